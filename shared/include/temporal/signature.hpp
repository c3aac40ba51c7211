// SPDX-License-Identifier: MIT
// What a function accepts and returns, and the guards that turn a wrong call into a sentence at
// compile time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "temporal/context.hpp"
#include "temporal/payload.hpp"
#include "temporal/task.hpp"

namespace temporal::detail {

template <class>
inline constexpr bool always_false = false;

template <class T>
inline constexpr bool is_awaitable = false;
template <class T>
inline constexpr bool is_awaitable<boost::asio::awaitable<T>> = true;

template <class T>
struct Unwrapped {
  using type = T;
};
template <class T>
struct Unwrapped<Task<T>> {
  using type = T;
};
template <class T>
struct Unwrapped<boost::asio::awaitable<T>> {
  using type = T;
};

template <class...>
struct TypeList {};

// Everything about a function type: the object it is called on (void for none), its result, its
// parameters.
template <class R, class C, bool Const, class... Params>
struct SignatureOf {
  using Returned = R;
  using Result = typename Unwrapped<R>::type;
  using Class = C;
  static constexpr bool kConst = Const;
  static constexpr bool kTask = is_task<R>;
  static constexpr bool kAwaitable = is_awaitable<R>;
  using Parameters = TypeList<Params...>;
  using Values = std::tuple<std::decay_t<Params>...>;
  static constexpr std::size_t kCount = sizeof...(Params);
};

template <class F>
struct Signature {
  static_assert(always_false<F>,
                "this needs a function or a method, as in m.activity<say_hello>()");
};
template <class R, class... P>
struct Signature<R (*)(P...)> : SignatureOf<R, void, false, P...> {};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : SignatureOf<R, void, false, P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...)> : SignatureOf<R, C, false, P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const> : SignatureOf<R, C, true, P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) noexcept> : SignatureOf<R, C, false, P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const noexcept> : SignatureOf<R, C, true, P...> {};

// An activity's parameters, without the optional leading Context&.
template <class List>
struct WithoutContext;
template <class... P>
struct WithoutContext<TypeList<P...>> {
  using Parameters = TypeList<P...>;
  using Values = std::tuple<std::decay_t<P>...>;
  static constexpr bool kContext = false;
};
template <class... P>
struct WithoutContext<TypeList<activity::Context&, P...>> {
  using Parameters = TypeList<P...>;
  using Values = std::tuple<std::decay_t<P>...>;
  static constexpr bool kContext = true;
};

template <class F>
struct ActivitySignature : Signature<F> {
  using Split = WithoutContext<typename Signature<F>::Parameters>;
  using Parameters = typename Split::Parameters;
  using Values = typename Split::Values;
  static constexpr bool kContext = Split::kContext;
};

template <class List, class... Args>
inline constexpr bool accepts = false;
template <class... Params, class... Args>
requires(sizeof...(Params) ==
         sizeof...(Args)) inline constexpr bool accepts<TypeList<Params...>, Args...> =
    (std::is_convertible_v<Args, std::decay_t<Params>> && ...);

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool kDestroysTwice = true;
#else
inline constexpr bool kDestroysTwice = false;
#endif

// GCC 12 destroys these twice when they are written inside a co_await expression.
template <class Arg>
inline constexpr bool twice_destroyed = kDestroysTwice && !std::is_lvalue_reference_v<Arg> &&
                                        std::is_aggregate_v<std::remove_cvref_t<Arg>> &&
                                        !std::is_trivially_destructible_v<std::remove_cvref_t<Arg>>;

/// A closure is no aggregate in C++20, but it is treated like one by the same bug.
template <class F>
inline constexpr bool twice_destroyed_closure =
    kDestroysTwice && !std::is_lvalue_reference_v<F> && std::is_class_v<std::remove_cvref_t<F>> &&
    !std::is_trivially_destructible_v<std::remove_cvref_t<F>>;

template <class... Args>
constexpr void refuse_twice_destroyed() {
  static_assert(!(twice_destroyed<Args> || ...),
                "GCC 12 destroys a braced temporary twice inside co_await: "
                "name the argument first, as in `Item item{...}; co_await "
                "execute_activity<f>(options, item);`");
}

template <class F>
constexpr void refuse_twice_destroyed_closure() {
  static_assert(!twice_destroyed_closure<F>,
                "GCC 12 destroys a lambda that captures by value twice inside co_await: "
                "capture by reference ([&] or [this]), or name the lambda first");
}

[[noreturn]] TEMPORAL_API void throw_missing_argument(std::size_t index, std::size_t wanted,
                                                      std::size_t given);

/// Inside a handler of a DecodeError: throws it again with the argument's place.
[[noreturn]] TEMPORAL_API void rethrow_with_place(const DecodeError& error, std::size_t index,
                                                  std::size_t wanted);

/// How long payloads last: only while they are decoded, or as long as the call that their values are
/// for. What views them is possible in the second case only.
enum class Lifetime { of_the_decoding, of_the_call };

template <class T, Lifetime kPayloads>
T decode_argument(const Payloads& payloads, std::size_t index, std::size_t wanted) {
  if (index < payloads.size()) {
    try {
      if constexpr (kPayloads == Lifetime::of_the_call && std::is_same_v<T, BytesView>)
        return bytes_view_of(payloads[index]);
      else
        return from_payload<T>(payloads[index]);
    } catch (const DecodeError& error) {
      rethrow_with_place(error, index, wanted);
    }
  }
  if constexpr (is_optional<T>) {
    return std::nullopt;
  } else {
    throw_missing_argument(index, wanted, payloads.size());
  }
}

template <class Values, Lifetime kPayloads, std::size_t... I>
Values decode_arguments_at(const Payloads& payloads, std::index_sequence<I...>) {
  return Values{
      decode_argument<std::tuple_element_t<I, Values>, kPayloads>(payloads, I, sizeof...(I))...};
}

/// Decodes arguments one by one. Missing trailing ones are allowed only for std::optional
/// parameters; extra ones are ignored. Throws DecodeError that names the argument's place.
template <class Values, Lifetime kPayloads = Lifetime::of_the_decoding>
Values decode_arguments(const Payloads& payloads) {
  return decode_arguments_at<Values, kPayloads>(
      payloads, std::make_index_sequence<std::tuple_size_v<Values>>{});
}

/// Which parameters only view their argument's bytes, as bits: the first is bit 0. Those beyond the
/// 64th are told to own theirs, which is always right.
template <class Values, std::size_t... I>
constexpr std::uint64_t viewing_parameters(std::index_sequence<I...>) {
  return ((I < 64 && std::is_same_v<std::tuple_element_t<I, Values>, BytesView>
               ? std::uint64_t{1} << (I % 64)
               : 0) |
          ... | 0);
}
template <class Values>
inline constexpr std::uint64_t kViewing =
    viewing_parameters<Values>(std::make_index_sequence<std::tuple_size_v<Values>>{});

/// What came from outside does not fit the handler it is for.
class TEMPORAL_API InputError : public DecodeError {
 public:
  using DecodeError::DecodeError;
  ~InputError() override;
};

/// decode_arguments() for input that must not stop a run: everything it throws is an InputError.
template <class Values>
Values decode_input(const Payloads& payloads) {
  try {
    return decode_arguments<Values>(payloads);
  } catch (const std::exception& error) {
    throw InputError(error.what());
  }
}

template <class T>
Payload encode_argument(const T& value) {
  if constexpr (std::is_same_v<T, BytesView>)
    return bytes_payload({reinterpret_cast<const char*>(value.data()), value.size()});
  else
    return to_payload(value);
}

/// Encodes arguments as the *parameters'* types, so that a literal where a std::string is wanted
/// crosses as one.
template <class... Params, class... Args>
Payloads encode_arguments(TypeList<Params...>, Args&&... args) {
  Payloads payloads;
  payloads.reserve(sizeof...(Args));
  (payloads.push_back(encode_argument<std::decay_t<Params>>(
       static_cast<std::decay_t<Params>>(std::forward<Args>(args)))),
   ...);
  return payloads;
}

/// The same where no parameters are known: as what they are.
template <class... Args>
Payloads encode_plain(const Args&... args) {
  Payloads payloads;
  payloads.reserve(sizeof...(Args));
  (payloads.push_back(to_payload<std::decay_t<const Args&>>(args)), ...);
  return payloads;
}

}  // namespace temporal::detail
