// SPDX-License-Identifier: MIT
// A workflow class as the engine sees it: how its object is made and run, and its handlers.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "temporal/handlers.hpp"
#include "temporal/names.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"
#include "temporal/task.hpp"
#include "temporal/workflow_interceptor.hpp"

namespace temporal {

namespace detail {

using IsFailure = std::function<bool(const std::exception_ptr&)>;

template <class Exception>
bool is_exception(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Exception&) {
    return true;
  } catch (...) {
    return false;
  }
}

struct WorkflowDefinition {
  std::string name;
  /// Takes the start's arguments. Throws DecodeError when they do not fit a constructor that wants them.
  std::function<std::unique_ptr<WorkflowObject>(const Payloads&)> create;
  Handlers handlers;
  /// True for what is to fail the workflow though it is no Failure.
  std::vector<IsFailure> failures;
  Versioning versioning = Versioning::unspecified;
  std::shared_ptr<const workflow::detail::InterceptorMakers> interceptors;
};

template <class W, class Sig>
constexpr void require_method_of() {
  static_assert(std::is_same_v<typename Sig::Class, W>,
                "a handler is a method of its workflow's class");
}

/// The constructor wants the start's arguments. Not asked of aggregates: theirs would take a start's arguments for members.
template <class W>
inline constexpr bool constructed_from_arguments =
    !std::is_aggregate_v<W> && []<class... P>(TypeList<P...>) {
      return sizeof...(P) > 0 && !takes_raw_input<TypeList<P...>> &&
             std::is_constructible_v<W, const std::decay_t<P>&...>;
    }(typename Signature<decltype(&W::run)>::Parameters{});

template <class W>
class WorkflowOf final : public WorkflowObject {
 public:
  using Sig = Signature<decltype(&W::run)>;

  WorkflowOf() = default;
  explicit WorkflowOf(const typename Sig::Values& arguments)
      : object(std::make_from_tuple<W>(arguments)) {}

  static std::unique_ptr<WorkflowObject> create(const Payloads& payloads) {
    if constexpr (constructed_from_arguments<W>) {
      return std::make_unique<WorkflowOf>(decode_arguments<typename Sig::Values>(payloads));
    } else {
      return std::make_unique<WorkflowOf>();
    }
  }

  Task<Payload> run(std::string type, Payloads payloads) override {
    auto arguments = [&] {
      if constexpr (takes_raw_input<typename Sig::Parameters>) {
        return typename Sig::Values(std::move(type), std::move(payloads));
      } else {
        return decode_arguments<typename Sig::Values>(payloads);
      }
    }();
    auto invoke = [&](auto&... values) { return object.run(std::move(values)...); };
    if constexpr (std::is_void_v<typename Sig::Result>) {
      co_await std::apply(invoke, arguments);
      co_return null_payload();
    } else {
      co_return to_payload<typename Sig::Result>(co_await std::apply(invoke, arguments));
    }
  }
  W object{};
};

/// Calls a method on the object of a run, which is const where the handler must only look.
template <class W, auto Method, class Object = W>
struct MethodOf {
  using Holder = std::conditional_t<std::is_const_v<Object>, const WorkflowObject, WorkflowObject>;
  using Held = std::conditional_t<std::is_const_v<Object>, const WorkflowOf<W>, WorkflowOf<W>>;
  Object* object;
  explicit MethodOf(Holder& workflow) : object(&static_cast<Held&>(workflow).object) {}
  template <class... Values>
  decltype(auto) operator()(Values&&... values) const {
    return (object->*Method)(std::forward<Values>(values)...);
  }
};

template <class W, auto Method>
SignalHandler signal_method(const SignalRegistration& how) {
  using Sig = Signature<decltype(Method)>;
  require_method_of<W, Sig>();
  require_signal<Sig>();
  return {std::string(how.description), how.unfinished,
          [](WorkflowObject& object, std::string name, Payloads payloads) {
            return run_signal<Sig>(MethodOf<W, Method>(object), std::move(name),
                                   std::move(payloads));
          }};
}

template <class W, auto Method>
QueryHandler query_method(const QueryRegistration& how) {
  using Sig = Signature<decltype(Method)>;
  require_method_of<W, Sig>();
  require_query<Sig>();
  return {std::string(how.description),
          [](const WorkflowObject& object, const std::string& name, const Payloads& payloads) {
            return answer_query<Sig>(MethodOf<W, Method, const W>(object), name, payloads);
          }};
}

template <class W, auto Method, auto Validator>
UpdateHandler update_method(const UpdateRegistration& how) {
  using Sig = Signature<decltype(Method)>;
  require_method_of<W, Sig>();
  UpdateHandler handler{std::string(how.description), how.unfinished, {}, {}};
  handler.run = [](WorkflowObject& object, std::string name, Payloads payloads) {
    return run_update<Sig>(MethodOf<W, Method>(object), std::move(name), std::move(payloads));
  };
  if constexpr (std::is_null_pointer_v<decltype(Validator)>) {
    handler.check = [](const WorkflowObject&, const std::string& name, const Payloads& payloads) {
      (void)handler_arguments<Sig>(name, payloads);
    };
  } else {
    using Check = Signature<decltype(Validator)>;
    require_method_of<W, Check>();
    require_validator<Check, Sig>();
    handler.check = [](const WorkflowObject& object, const std::string& name,
                       const Payloads& payloads) {
      check_update<Check>(MethodOf<W, Validator, const W>(object), name, payloads);
    };
  }
  return handler;
}

}  // namespace detail

/// Adds handlers to a workflow that was just registered. All of these throw std::invalid_argument for a name that is taken or
/// Temporal's own. Without a name of its own, a method gives it its own.
template <class W>
class WorkflowBuilder {
 public:
  explicit WorkflowBuilder(detail::WorkflowDefinition& definition) : definition_(definition) {}

  /// A method that takes a signal: `void` or a Task. Handlers begin in the order of arrival, before the main coroutine's next
  /// step; those that came with the start before its first.
  template <auto Method>
  WorkflowBuilder& signal(SignalRegistration how) {
    return add(detail::own_name_unless<Method>(how.name), detail::signal_method<W, Method>(how));
  }
  template <auto Method>
  WorkflowBuilder& signal() {
    return add(std::string(name_of<Method>()), detail::signal_method<W, Method>({}));
  }

  /// A const method that answers a query: at once, and it must only look.
  template <auto Method>
  WorkflowBuilder& query(QueryRegistration how) {
    return add(detail::own_name_unless<Method>(how.name), detail::query_method<W, Method>(how));
  }
  template <auto Method>
  WorkflowBuilder& query() {
    return add(std::string(name_of<Method>()), detail::query_method<W, Method>({}));
  }

  /// A method that takes an update, plain or a Task: what it returns is its answer, a Failure it throws fails the update only.
  /// The validator, a const method of the same arguments, refuses the update by an exception: then nothing of it is recorded.
  /// It is not asked again when history is replayed.
  template <auto Method, auto Validator = nullptr>
  WorkflowBuilder& update(UpdateRegistration how) {
    return add(detail::own_name_unless<Method>(how.name),
               detail::update_method<W, Method, Validator>(how));
  }
  template <auto Method, auto Validator = nullptr>
  WorkflowBuilder& update() {
    return add(std::string(name_of<Method>()), detail::update_method<W, Method, Validator>({}));
  }

  /// For what has no handler of its own: methods of (std::string name, temporal::Payloads arguments).
  template <auto Method>
  WorkflowBuilder& dynamic_signal(SignalRegistration how = {}) {
    return add_catch_all<Method>(detail::signal_method<W, Method>(how));
  }
  template <auto Method>
  WorkflowBuilder& dynamic_query(QueryRegistration how = {}) {
    return add_catch_all<Method>(detail::query_method<W, Method>(how));
  }
  template <auto Method, auto Validator = nullptr>
  WorkflowBuilder& dynamic_update(UpdateRegistration how = {}) {
    return add_catch_all<Method>(detail::update_method<W, Method, Validator>(how));
  }

  /// Heeded by workers with --use-versioning.
  WorkflowBuilder& versioning(Versioning behavior) {
    definition_.versioning = behavior;
    return *this;
  }

  /// These exceptions, and those derived from them, fail the workflow when they leave run() or a handler, as a Failure does,
  /// instead of the workflow task.
  template <class... Exceptions>
  WorkflowBuilder& fails_with() {
    (definition_.failures.push_back(detail::is_exception<Exceptions>), ...);
    return *this;
  }

 private:
  template <class Handler>
  WorkflowBuilder& add(std::string name, Handler handler) {
    detail::add_handler(definition_.handlers, std::move(name), std::move(handler));
    return *this;
  }
  template <auto Method, class Handler>
  WorkflowBuilder& add_catch_all(Handler handler) {
    static_assert(
        detail::takes_raw_input<typename detail::Signature<decltype(Method)>::Parameters>,
        "a catch-all takes the name and the raw arguments: (std::string, temporal::Payloads)");
    detail::add_catch_all(definition_.handlers, std::move(handler));
    return *this;
  }

  detail::WorkflowDefinition& definition_;
};

}  // namespace temporal
