// SPDX-License-Identifier: MIT
// What a workflow answers to, without its types: signals, queries and updates, as the engine calls them. Written by the
// templates here, from methods and from closures.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "temporal/export.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"
#include "temporal/task.hpp"

namespace temporal::detail {

/// One run's user object.
class TEMPORAL_API WorkflowObject {
 public:
  virtual ~WorkflowObject();
  /// A catch-all is told which type was asked for; others know.
  virtual Task<Payload> run(std::string type, Payloads arguments) = 0;
};

/// A catch-all is called with the name that was asked for; the others ignore it.
struct SignalHandler {
  std::string description{};
  Unfinished unfinished = Unfinished::warn;
  /// Throws InputError for arguments that do not fit.
  std::function<Task<void>(WorkflowObject&, std::string name, Payloads)> run{};
};

struct QueryHandler {
  std::string description{};
  std::function<Payload(const WorkflowObject&, const std::string& name, const Payloads&)> answer{};
};

struct UpdateHandler {
  std::string description{};
  Unfinished unfinished = Unfinished::warn;
  /// Decodes, and asks the validator if there is one. What it throws rejects the update.
  std::function<void(const WorkflowObject&, const std::string& name, const Payloads&)> check{};
  std::function<Task<Payload>(WorkflowObject&, std::string name, Payloads)> run{};
};

/// Handlers of one kind, by name.
template <class Handler>
struct HandlersOf {
  std::map<std::string, Handler> by_name{};
  std::optional<Handler> catch_all{};

  [[nodiscard]] const Handler* find(const std::string& name) const {
    const auto found = by_name.find(name);
    if (found != by_name.end()) return &found->second;
    return catch_all ? &*catch_all : nullptr;
  }
};

struct Handlers {
  HandlersOf<SignalHandler> signals{};
  HandlersOf<QueryHandler> queries{};
  HandlersOf<UpdateHandler> updates{};
};

/// Throw std::invalid_argument for a name that is taken, empty or Temporal's own.
TEMPORAL_API void add_handler(Handlers& handlers, std::string name, SignalHandler handler);
TEMPORAL_API void add_handler(Handlers& handlers, std::string name, QueryHandler handler);
TEMPORAL_API void add_handler(Handlers& handlers, std::string name, UpdateHandler handler);
/// Throw std::invalid_argument for a second one.
TEMPORAL_API void add_catch_all(Handlers& handlers, SignalHandler handler);
TEMPORAL_API void add_catch_all(Handlers& handlers, QueryHandler handler);
TEMPORAL_API void add_catch_all(Handlers& handlers, UpdateHandler handler);

template <class Parameters>
inline constexpr bool takes_raw_input = false;
template <>
inline constexpr bool takes_raw_input<TypeList<std::string, Payloads>> = true;

/// Of a method that is called on its object, or of a closure.
template <class Function>
struct HandlerSignature : Signature<decltype(&Function::operator())> {};
template <class Function>
requires std::is_member_function_pointer_v<Function>
struct HandlerSignature<Function> : Signature<Function> {
};

/// Arguments of a handler, decoded or as they are.
template <class Sig>
auto handler_arguments(const std::string& name, const Payloads& payloads) {
  if constexpr (takes_raw_input<typename Sig::Parameters>) {
    return std::tuple<std::string, Payloads>(name, payloads);
  } else {
    return decode_input<typename Sig::Values>(payloads);
  }
}

/// `target` is the object of a method, or the closure: what std::apply calls with the arguments.
template <class Sig, class Target>
Task<void> run_signal(Target target, std::string name, Payloads payloads) {
  auto arguments = handler_arguments<Sig>(name, payloads);
  auto invoke = [&](auto&... values) { return target(std::move(values)...); };
  if constexpr (Sig::kTask) {
    co_await std::apply(invoke, arguments);
  } else {
    std::apply(invoke, arguments);
    co_return;
  }
}

template <class Sig, class Target>
Payload answer_query(Target target, const std::string& name, const Payloads& payloads) {
  auto arguments = handler_arguments<Sig>(name, payloads);
  auto invoke = [&](auto&... values) { return target(std::move(values)...); };
  return to_payload<typename Sig::Result>(std::apply(invoke, arguments));
}

template <class Sig, class Target>
Task<Payload> run_update(Target target, std::string name, Payloads payloads) {
  using Result = typename Sig::Result;
  auto arguments = handler_arguments<Sig>(name, payloads);
  auto invoke = [&](auto&... values) { return target(std::move(values)...); };
  if constexpr (Sig::kTask && std::is_void_v<Result>) {
    co_await std::apply(invoke, arguments);
    co_return null_payload();
  } else if constexpr (Sig::kTask) {
    co_return to_payload<Result>(co_await std::apply(invoke, arguments));
  } else if constexpr (std::is_void_v<Result>) {
    std::apply(invoke, arguments);
    co_return null_payload();
  } else {
    co_return to_payload<Result>(std::apply(invoke, arguments));
  }
}

template <class Sig, class Target>
void check_update(Target target, const std::string& name, const Payloads& payloads) {
  auto arguments = handler_arguments<Sig>(name, payloads);
  std::apply([&](const auto&... values) { target(values...); }, arguments);
}

template <class Sig>
constexpr void require_signal() {
  static_assert(std::is_void_v<typename Sig::Result>,
                "a signal has nobody to answer to: its handler returns void or Task<>");
}
template <class Sig>
constexpr void require_query() {
  static_assert(Sig::kConst, "a query only looks: its handler is const");
  static_assert(!Sig::kTask && !std::is_void_v<typename Sig::Result>,
                "a query is answered at once: its handler returns a value, no Task");
}
template <class Sig, class Of>
constexpr void require_validator() {
  static_assert(Sig::kConst, "a validator only looks: it is const");
  static_assert(std::is_void_v<typename Sig::Returned>,
                "a validator says no by an exception: it returns void");
  static_assert(std::is_same_v<typename Sig::Values, typename Of::Values>,
                "a validator takes what its update's handler takes");
}

}  // namespace temporal::detail
