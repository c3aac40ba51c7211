// SPDX-License-Identifier: MIT
// For activities: their Context, and what a coroutine hands over to where it may block.
//
//   auto text = co_await activity::to_thread([&] { return read(path); });   a blocking call
//   auto counts = co_await activity::in_child<histogram>(ctx, text);        a process of its own
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "temporal/activity_client.hpp"
#include "temporal/calls.hpp"
#include "temporal/context.hpp"
#include "temporal/export.hpp"
#include "temporal/names.hpp"
#include "temporal/signature.hpp"

namespace temporal::activity {

namespace detail {

/// Who runs what coroutine activities hand over; one for the loops of a worker.
class TEMPORAL_API Offload {
 public:
  virtual ~Offload();
  /// Runs on the loop of the awaiting coroutine. `context`: null, or that of the attempt that goes
  /// on in the child. Throws what the server would have been told.
  virtual boost::asio::awaitable<Payload> in_child(Context* context, std::string function,
                                                   Payloads arguments) = 0;
  /// `work` throws nothing. Returns when it has.
  virtual boost::asio::awaitable<void> to_thread(std::function<void()> work) = 0;
};

/// Throws std::logic_error on a thread that is no loop of a worker.
TEMPORAL_API Offload& offload();
/// Of this thread.
TEMPORAL_API void set_offload(Offload* offload) noexcept;

/// The process that loads a module learns here what its coroutines may hand over: naming a function
/// in in_child<f>() is enough.
TEMPORAL_API bool register_offloaded(temporal::detail::OffloadedFunction function);

template <auto F>
inline const bool registered =
    register_offloaded({std::string(temporal::detail::full_symbol<F>()),
                        {&temporal::detail::call_activity<F>,
                         temporal::detail::kViewing<
                             typename temporal::detail::ActivitySignature<decltype(F)>::Values>}});

template <class Result>
boost::asio::awaitable<Result> decoded(boost::asio::awaitable<Payload> answer) {
  co_return from_payload<Result>(co_await std::move(answer));
}

template <class F>
boost::asio::awaitable<std::invoke_result_t<F&>> run_on_thread(F callable) {
  using Result = std::invoke_result_t<F&>;
  std::exception_ptr thrown;
  if constexpr (std::is_void_v<Result>) {
    std::function<void()> work = [&] {
      try {
        callable();
      } catch (...) {
        thrown = std::current_exception();
      }
    };
    co_await offload().to_thread(std::move(work));
    if (thrown) std::rethrow_exception(thrown);
  } else {
    std::optional<Result> result;
    std::function<void()> work = [&] {
      try {
        result.emplace(callable());
      } catch (...) {
        thrown = std::current_exception();
      }
    };
    co_await offload().to_thread(std::move(work));
    if (thrown) std::rethrow_exception(thrown);
    co_return std::move(*result);
  }
}

template <auto F, class... Args>
boost::asio::awaitable<typename temporal::detail::ActivitySignature<decltype(F)>::Result> hand_over(
    Context* context, Args&&... args) {
  using Sig = temporal::detail::ActivitySignature<decltype(F)>;
  static_assert(std::is_void_v<typename Sig::Class>,
                "in_child<f>() takes a function: a method's object would have to be in the child");
  static_assert(!Sig::kAwaitable && !Sig::kTask,
                "in_child<f>() takes a plain function: a coroutine runs on the loop already");
  static_assert(temporal::detail::has_name<F>,
                "a function in an anonymous namespace, a template or a lambda has no name of its "
                "own, by which a child could find it");
  static_assert(
      temporal::detail::accepts<typename Sig::Parameters, Args...>,
      "these arguments do not fit the function: count and types must be those it declares");
  (void)registered<F>;
  return decoded<typename Sig::Result>(offload().in_child(
      context, std::string(temporal::detail::full_symbol<F>()),
      temporal::detail::encode_arguments(typename Sig::Parameters{}, std::forward<Args>(args)...)));
}

}  // namespace detail

/// Runs `F` in a child process, as part of this attempt: its heartbeats are this activity's, a
/// cancellation reaches both, and when the child dies the failure that the server would have seen
/// is thrown here. Takes what F takes. Only in a coroutine activity. Waits for a place among
/// `--offload-children`.
template <auto F, class... Args>
auto in_child(Context& context, Args&&... args) {
  static_assert(temporal::detail::ActivitySignature<decltype(F)>::kContext,
                "this function takes no activity::Context&: leave it out of the call");
  temporal::detail::refuse_twice_destroyed<Args...>();
  return detail::hand_over<F>(&context, std::forward<Args>(args)...);
}
/// The same for a function that asks for no Context. A cancellation of the awaiting coroutine is
/// not seen by it: the call still waits for its end. It is killed where the attempt would be.
template <auto F, class... Args>
requires(!temporal::detail::ActivitySignature<decltype(F)>::kContext) auto in_child(
    Args&&... args) {
  temporal::detail::refuse_twice_destroyed<Args...>();
  return detail::hand_over<F>(nullptr, std::forward<Args>(args)...);
}

/// Runs `callable` on a thread of the worker, where it may block, and yields what it returns or
/// throws. Returns only when it has, cancelled or not: what it captured by reference stays valid.
/// Only in a coroutine activity.
template <class F>
boost::asio::awaitable<std::invoke_result_t<std::decay_t<F>&>> to_thread(F&& callable) {
  temporal::detail::refuse_twice_destroyed_closure<F>();
  return detail::run_on_thread<std::decay_t<F>>(std::forward<F>(callable));
}

}  // namespace temporal::activity
