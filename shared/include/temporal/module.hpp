// SPDX-License-Identifier: MIT
// What a module offers: a function that fills a Module, exported once with TEMPORAL_EXPORT_MODULE.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "temporal/activity.hpp"
#include "temporal/export.hpp"
#include "temporal/names.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"
#include "temporal/task.hpp"

namespace temporal {

namespace detail {

/// One activity as the executors see it: payloads in, payload out. Exactly one of the calls is set.
struct ActivityDefinition {
  std::string name;
  Executor executor = Executor::child;
  std::function<Payload(activity::Context&, const Payloads&)> call;
  std::function<boost::asio::awaitable<Payload>(activity::Context&, Payloads)> call_on_loop;
};

/// One run's user object.
class TEMPORAL_API WorkflowObject {
 public:
  virtual ~WorkflowObject();
  virtual Task<Payload> run(Payloads arguments) = 0;
};

using SignalHandler = std::function<Task<void>(WorkflowObject&, Payloads)>;

struct WorkflowDefinition {
  std::string name;
  std::function<std::unique_ptr<WorkflowObject>()> create;
  std::map<std::string, SignalHandler> signals;
};

TEMPORAL_API void add_signal(WorkflowDefinition& definition, std::string name,
                             SignalHandler handler);

// Options may be given for the sake of other fields. Empty, and so refused when it is added, for
// what has no name of its own.
template <auto Symbol>
std::string own_name_unless(std::string_view given) {
  if constexpr (has_name<Symbol>) {
    return std::string(given.empty() ? name_of<Symbol>() : given);
  } else {
    return std::string(given);
  }
}

template <auto F>
Payload call_activity(activity::Context& context, const Payloads& payloads) {
  using Sig = ActivitySignature<decltype(F)>;
  auto arguments = decode_arguments<typename Sig::Values>(payloads);
  auto invoke = [&](auto&... values) -> decltype(auto) {
    if constexpr (Sig::kContext) {
      return F(context, std::move(values)...);
    } else {
      return F(std::move(values)...);
    }
  };
  if constexpr (std::is_void_v<typename Sig::Result>) {
    std::apply(invoke, arguments);
    return null_payload();
  } else {
    return to_payload<typename Sig::Result>(std::apply(invoke, arguments));
  }
}

template <auto F>
boost::asio::awaitable<Payload> call_coroutine(activity::Context& context, Payloads payloads) {
  using Sig = ActivitySignature<decltype(F)>;
  auto arguments = decode_arguments<typename Sig::Values>(payloads);
  auto invoke = [&](auto&... values) {
    if constexpr (Sig::kContext) {
      return F(context, std::move(values)...);
    } else {
      return F(std::move(values)...);
    }
  };
  if constexpr (std::is_void_v<typename Sig::Result>) {
    co_await std::apply(invoke, arguments);
    co_return null_payload();
  } else {
    co_return to_payload<typename Sig::Result>(co_await std::apply(invoke, arguments));
  }
}

template <class W>
class WorkflowOf final : public WorkflowObject {
 public:
  Task<Payload> run(Payloads payloads) override {
    using Sig = Signature<decltype(&W::run)>;
    auto arguments = decode_arguments<typename Sig::Values>(payloads);
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

template <class W, auto Method>
Task<void> call_signal(WorkflowObject& workflow, Payloads payloads) {
  using Sig = Signature<decltype(Method)>;
  auto& object = static_cast<WorkflowOf<W>&>(workflow).object;
  auto arguments = decode_input<typename Sig::Values>(payloads);
  auto invoke = [&](auto&... values) { return (object.*Method)(std::move(values)...); };
  if constexpr (Sig::kTask) {
    co_await std::apply(invoke, arguments);
  } else {
    std::apply(invoke, arguments);
    co_return;
  }
}

}  // namespace detail

/// Adds handlers to a workflow that was just registered.
template <class W>
class WorkflowBuilder {
 public:
  explicit WorkflowBuilder(detail::WorkflowDefinition& definition) : definition_(definition) {}

  /// A method that takes a signal: `void` or a Task. Handlers run before the main coroutine's next
  /// step, in arrival order. Throws std::invalid_argument for a name that is registered already.
  template <auto Method>
  WorkflowBuilder& signal(SignalRegistration how) {
    return add<Method>(detail::own_name_unless<Method>(how.name));
  }
  template <auto Method>
  WorkflowBuilder& signal() {
    return add<Method>(std::string(name_of<Method>()));
  }

 private:
  template <auto Method>
  WorkflowBuilder& add(std::string name) {
    using Sig = detail::Signature<decltype(Method)>;
    static_assert(std::is_same_v<typename Sig::Class, W>,
                  "a signal handler is a method of its workflow's class");
    static_assert(std::is_void_v<typename Sig::Result>,
                  "a signal has nobody to answer to: its handler returns void or Task<>");
    detail::add_signal(definition_, std::move(name), &detail::call_signal<W, Method>);
    return *this;
  }

  detail::WorkflowDefinition& definition_;
};

/// What one or several modules offer to a worker. Filled once, before anything runs. Thread rule:
/// one thread.
class TEMPORAL_API Module {
 public:
  Module();
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// A plain function: runs in a child process, where it may block or crash. Throws
  /// std::invalid_argument for a name that is registered already.
  template <auto F>
  requires(!detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      ActivityRegistration how) {
    add_plain<F>(detail::own_name_unless<F>(how.name));
  }
  template <auto F>
  requires(!detail::ActivitySignature<decltype(F)>::kAwaitable) void activity() {
    add_plain<F>(std::string(name_of<F>()));
  }

  /// A coroutine: runs on a loop thread of the supervisor, where it may wait but never block.
  template <auto F>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      CoroutineRegistration how) {
    add_coroutine<F>(detail::own_name_unless<F>(how.name));
  }
  template <auto F>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity() {
    add_coroutine<F>(std::string(name_of<F>()));
  }

  /// A class whose `run` is a coroutine. Each run has an object of its own.
  template <class W>
  WorkflowBuilder<W> workflow(WorkflowRegistration how) {
    std::string name(how.name);
    if constexpr (detail::has_type_name<W>) {
      if (name.empty()) name = type_name_of<W>();
    }
    return WorkflowBuilder<W>(add_workflow<W>(std::move(name)));
  }
  template <class W>
  WorkflowBuilder<W> workflow() {
    return WorkflowBuilder<W>(add_workflow<W>(std::string(type_name_of<W>())));
  }

  [[nodiscard]] const std::map<std::string, detail::ActivityDefinition>& activities() const {
    return activities_;
  }
  [[nodiscard]] const std::map<std::string, detail::WorkflowDefinition>& workflows() const {
    return workflows_;
  }

 private:
  template <auto F>
  void add_plain(std::string name) {
    static_assert(!detail::ActivitySignature<decltype(F)>::kTask,
                  "a Task<> is workflow code: an activity is a plain function (a child process) or "
                  "an asio::awaitable<> (a loop thread)");
    add(detail::ActivityDefinition{std::move(name), Executor::child, &detail::call_activity<F>,
                                   nullptr});
  }
  template <auto F>
  void add_coroutine(std::string name) {
    add(detail::ActivityDefinition{std::move(name), Executor::loop, nullptr,
                                   &detail::call_coroutine<F>});
  }
  template <class W>
  detail::WorkflowDefinition& add_workflow(std::string name) {
    static_assert(std::is_default_constructible_v<W>,
                  "a workflow class needs a constructor without arguments");
    static_assert(detail::Signature<decltype(&W::run)>::kTask,
                  "a workflow's run() is a coroutine: it returns temporal::Task<T>");
    return add(detail::WorkflowDefinition{
        std::move(name), [] { return std::make_unique<detail::WorkflowOf<W>>(); }, {}});
  }
  void add(detail::ActivityDefinition definition);
  detail::WorkflowDefinition& add(detail::WorkflowDefinition definition);

  std::map<std::string, detail::ActivityDefinition> activities_;
  std::map<std::string, detail::WorkflowDefinition> workflows_;
};

/// Fills a Module; what TEMPORAL_EXPORT_MODULE exports and run_worker takes.
using ModuleFunction = void (*)(Module&);

}  // namespace temporal

/// The layout of what crosses between libtemporal.so and a module. A module built against another
/// one is refused when loaded.
#define TEMPORAL_MODULE_ABI "temporal-module-1"

/// The only macro users write: once per module, outside any namespace.
#define TEMPORAL_EXPORT_MODULE(function)                                                    \
  extern "C" TEMPORAL_API void temporal_module_register(temporal::Module& module) {         \
    function(module);                                                                       \
  }                                                                                         \
  extern "C" TEMPORAL_API const char* temporal_module_abi() { return TEMPORAL_MODULE_ABI; } \
  static_assert(true)
