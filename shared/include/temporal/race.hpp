// SPDX-License-Identifier: MIT
// Waiting for the first of several. The losers run on; give them a CancelScope to end them.
#pragma once

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "temporal/workflow.hpp"

namespace temporal::workflow {

/// Which of the futures was done first, and its value.
template <class T>
struct First {
  std::size_t index;
  T value;
};
template <>
struct First<void> {
  std::size_t index;
};

namespace detail {

/// The index of the first that is done, whatever its outcome; of several at once the one that was first. Throws
/// std::invalid_argument for none.
TEMPORAL_API std::shared_ptr<ValueState<std::size_t>> first_done(
    const std::vector<PlainFuture>& states);

template <class T>
using OrMonostate = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <std::size_t I, class Variant, class T>
Variant outcome_of(const Future<T>& future) {
  if constexpr (std::is_void_v<T>) {
    future.get();
    return Variant(std::in_place_index<I>);
  } else {
    return Variant(std::in_place_index<I>, future.get());
  }
}

template <class Variant, class Futures, std::size_t... I>
Variant outcome_at(std::size_t index, const Futures& futures, std::index_sequence<I...>) {
  Variant (*const outcomes[])(const Futures&) = {
      [](const Futures& all) { return outcome_of<I, Variant>(std::get<I>(all)); }...};
  return outcomes[index](futures);
}

template <class Variant, class Futures>
Task<Variant> race_of(Futures futures, Future<std::size_t> first) {
  const std::size_t index = co_await first;
  co_return outcome_at<Variant>(index, futures,
                                std::make_index_sequence<std::tuple_size_v<Futures>>{});
}

}  // namespace detail

/// Waits for the first of them to be done. Throws what that one failed with.
template <class T>
Task<First<T>> any(std::vector<Future<T>> futures) {
  std::vector<detail::PlainFuture> states;
  for (const auto& future : futures) states.push_back(future.state());
  const Future<std::size_t> first(detail::first_done(states), &detail::take_value<std::size_t>);
  const std::size_t index = co_await first;
  if constexpr (std::is_void_v<T>) {
    futures[index].get();
    co_return First<void>{index};
  } else {
    co_return First<T>{index, futures[index].get()};
  }
}

/// The same for futures of different types: the variant's index says which; void becomes std::monostate.
template <class... T>
Task<std::variant<detail::OrMonostate<T>...>> race(const Future<T>&... futures) {
  static_assert(sizeof...(T) > 0, "a race needs runners");
  return detail::race_of<std::variant<detail::OrMonostate<T>...>>(
      std::tuple<Future<T>...>(futures...),
      Future<std::size_t>(detail::first_done({futures.state()...}),
                          &detail::take_value<std::size_t>));
}

}  // namespace temporal::workflow
