// SPDX-License-Identifier: MIT
// How an executor calls what a user registered: payloads in, payload out. Not for users.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "temporal/context.hpp"
#include "temporal/object.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"

namespace temporal::detail {

/// A plain function, and which of its parameters only view their argument (kViewing): it is called
/// where the payloads of those may be empty, with DecodedOnce telling where their bytes are.
struct PlainCall {
  std::function<Payload(activity::Context&, const Payloads&)> function{};
  std::uint64_t viewing = 0;

  explicit operator bool() const { return static_cast<bool>(function); }
  Payload operator()(activity::Context& context, const Payloads& arguments) const {
    return function(context, arguments);
  }
};
using CoroutineCall = std::function<boost::asio::awaitable<Payload>(activity::Context&, Payloads)>;

/// One activity as the executors see it. Exactly one of the calls is set.
struct ActivityDefinition {
  std::string name;
  /// Where it runs, if it says so itself. A plain function that does not runs where the worker's
  /// `--activity-executor` says.
  std::optional<Executor> executor{};
  PlainCall call{};
  CoroutineCall call_on_loop{};
  std::shared_ptr<ObjectBase> object{};  ///< of a method
  std::string origin{};                  ///< the module that registered it
  ActivityLimits limits{};
  Duration auto_heartbeat{};
};

/// A function that coroutine activities hand over by in_child(); known by its full name.
struct OffloadedFunction {
  std::string name;
  PlainCall call;
};

// The arguments of a catch-all: the type that was asked for, and its payloads as they came.
template <class Sig>
inline constexpr bool is_catch_all =
    std::is_same_v<typename Sig::Values, std::tuple<std::string, Payloads>>;

struct TypedArguments {
  template <class Sig>
  static auto take(activity::Context&, const Payloads& payloads) {
    return decode_arguments<typename Sig::Values, Lifetime::of_the_call>(payloads);
  }
};
struct RawArguments {
  template <class Sig>
  static auto take(activity::Context& context, const Payloads& payloads) {
    return std::tuple<std::string, Payloads>(context.info().activity_type, payloads);
  }
};

// Calls a function, or a method on its object, with or without a Context first.
template <auto F, class Target, class... Values>
decltype(auto) invoke_activity(const Target& target, activity::Context& context,
                               Values&... values) {
  using Sig = ActivitySignature<decltype(F)>;
  if constexpr (std::is_void_v<typename Sig::Class>) {
    if constexpr (Sig::kContext) {
      return F(context, std::move(values)...);
    } else {
      return F(std::move(values)...);
    }
  } else {
    if constexpr (Sig::kContext) {
      return ((*target).*F)(context, std::move(values)...);
    } else {
      return ((*target).*F)(std::move(values)...);
    }
  }
}

struct NoObject {};

template <auto F, class Arguments, class Target>
Payload call_plain(const Target& target, activity::Context& context, const Payloads& payloads) {
  using Sig = ActivitySignature<decltype(F)>;
  auto arguments = Arguments::template take<Sig>(context, payloads);
  auto invoke = [&](auto&... values) -> decltype(auto) {
    return invoke_activity<F>(target, context, values...);
  };
  if constexpr (std::is_void_v<typename Sig::Result>) {
    std::apply(invoke, arguments);
    return null_payload();
  } else {
    return to_payload<typename Sig::Result>(std::apply(invoke, arguments));
  }
}

template <auto F, class Arguments, class Target>
boost::asio::awaitable<Payload> call_coroutine(Target target, activity::Context& context,
                                               Payloads payloads) {
  using Sig = ActivitySignature<decltype(F)>;
  auto arguments = Arguments::template take<Sig>(context, payloads);
  auto invoke = [&](auto&... values) { return invoke_activity<F>(target, context, values...); };
  if constexpr (std::is_void_v<typename Sig::Result>) {
    co_await std::apply(invoke, arguments);
    co_return null_payload();
  } else {
    co_return to_payload<typename Sig::Result>(co_await std::apply(invoke, arguments));
  }
}

template <auto F>
Payload call_activity(activity::Context& context, const Payloads& payloads) {
  return call_plain<F, TypedArguments>(NoObject{}, context, payloads);
}

/// Everything but its name and its executor.
template <auto F, class Arguments = TypedArguments, class Target = NoObject>
ActivityDefinition activity_definition(Target target = {}) {
  using Sig = ActivitySignature<decltype(F)>;
  static_assert(!Sig::kTask,
                "a Task<> is workflow code: an activity is a plain function (a child process or a "
                "thread) or an asio::awaitable<> (a loop thread)");
  ActivityDefinition definition;
  if constexpr (Sig::kAwaitable) {
    definition.executor = Executor::loop;
    definition.call_on_loop = [target](activity::Context& context, Payloads payloads) {
      return call_coroutine<F, Arguments, Target>(target, context, std::move(payloads));
    };
  } else {
    definition.call = {[target](activity::Context& context, const Payloads& payloads) {
                         return call_plain<F, Arguments>(target, context, payloads);
                       },
                       kViewing<typename Sig::Values>};
  }
  if constexpr (!std::is_same_v<Target, NoObject>) definition.object = target.holder();
  return definition;
}

}  // namespace temporal::detail
