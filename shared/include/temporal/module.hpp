// SPDX-License-Identifier: MIT
// What a module offers: a function that fills a Module, exported once with TEMPORAL_EXPORT_MODULE.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "temporal/activity.hpp"
#include "temporal/calls.hpp"
#include "temporal/export.hpp"
#include "temporal/interceptor.hpp"
#include "temporal/names.hpp"
#include "temporal/object.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"
#include "temporal/task.hpp"

namespace temporal {

namespace detail {

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

  /// A plain function: runs in a child process, where it may block or crash, or on a thread by
  /// choice. Throws std::invalid_argument for a name that is registered already.
  template <auto F>
  requires(!detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      ActivityRegistration how) {
    add_function<F>(detail::own_name_unless<F>(how.name), how.executor);
  }
  template <auto F>
  requires(!detail::ActivitySignature<decltype(F)>::kAwaitable) void activity() {
    add_function<F>(std::string(name_of<F>()), std::nullopt);
  }

  /// A coroutine: runs on a loop thread of the supervisor, where it may wait but never block.
  template <auto F>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      CoroutineRegistration how) {
    add_function<F>(detail::own_name_unless<F>(how.name), std::nullopt);
  }
  template <auto F>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity() {
    add_function<F>(std::string(name_of<F>()), std::nullopt);
  }

  /// A method, called on the object of the process it runs in: plain or a coroutine, as above.
  template <auto F, class T>
  requires(!detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      const Object<T>& object, ActivityRegistration how) {
    add_method<F>(object, detail::own_name_unless<F>(how.name), how.executor);
  }
  template <auto F, class T>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      const Object<T>& object, CoroutineRegistration how) {
    add_method<F>(object, detail::own_name_unless<F>(how.name), std::nullopt);
  }
  template <auto F, class T>
  void activity(const Object<T>& object) {
    add_method<F>(object, std::string(name_of<F>()), std::nullopt);
  }

  /// Takes every activity type that has no function of its own:
  /// `R f([activity::Context&,] std::string type, temporal::Payloads arguments)`, plain or a
  /// coroutine. At most one: a second throws std::invalid_argument.
  template <auto F>
  void dynamic_activity() {
    using Sig = detail::ActivitySignature<decltype(F)>;
    static_assert(std::is_void_v<typename Sig::Class> && detail::is_catch_all<Sig>,
                  "a catch-all takes the activity type and its raw arguments: "
                  "R f(std::string type, temporal::Payloads arguments)");
    add_dynamic(detail::activity_definition<F, detail::RawArguments>());
  }

  /// A T for method activities, made from copies of `args` in each process where they run. A
  /// constructor that throws is an error of the start that names module and class.
  template <class T, class... Args>
  Object<T> object(Args&&... args) {
    static_assert(std::is_constructible_v<T, const std::decay_t<Args>&...>,
                  "T has no constructor that takes these arguments (as const references)");
    auto holder =
        std::make_shared<detail::ObjectOf<T, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    add(holder);
    return Object<T>(std::move(holder));
  }

  /// Is called around each activity of this module, before those added later. Not around what in_child() hands over: that is
  /// part of an activity.
  void intercept(std::shared_ptr<activity::Interceptor> interceptor) {
    interceptors_[origin_]->push_back(std::move(interceptor));
  }

  /// Runs once in the zygote, before the objects are built and the first child is forked: what it
  /// loads is shared by all children, copy-on-write.
  void preload(std::function<void()> hook) { preload_.push_back(std::move(hook)); }
  /// Runs in each child, after the fork and before its first task: connections that must not be
  /// shared. A child in which it throws does not start.
  void on_child_start(std::function<void()> hook) { child_start_.push_back(std::move(hook)); }
  /// Runs in a child that leaves in good order.
  void on_child_stop(std::function<void()> hook) { child_stop_.push_back(std::move(hook)); }

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
  /// The activity of that name, else the catch-all, else null.
  [[nodiscard]] const detail::ActivityDefinition* find_activity(const std::string& name) const;
  /// Null when there is no catch-all.
  [[nodiscard]] const detail::ActivityDefinition* catch_all() const {
    return dynamic_ ? &*dynamic_ : nullptr;
  }
  /// What in_child() may name.
  [[nodiscard]] const std::map<std::string, detail::PlainCall>& offloaded() const {
    return offloaded_;
  }
  [[nodiscard]] const std::vector<std::pair<std::shared_ptr<detail::ObjectBase>, std::string>>&
  objects() const {
    return objects_;
  }
  [[nodiscard]] const std::vector<std::function<void()>>& preload_hooks() const { return preload_; }
  [[nodiscard]] const std::vector<std::function<void()>>& child_start_hooks() const {
    return child_start_;
  }
  [[nodiscard]] const std::vector<std::function<void()>>& child_stop_hooks() const {
    return child_stop_;
  }
  /// What is registered from now on belongs to this module: errors name it.
  void set_origin(std::string module);
  void add(detail::OffloadedFunction function);
  [[nodiscard]] const std::map<std::string, detail::WorkflowDefinition>& workflows() const {
    return workflows_;
  }

 private:
  template <auto F>
  void add_function(std::string name, std::optional<Executor> executor) {
    static_assert(std::is_void_v<typename detail::ActivitySignature<decltype(F)>::Class>,
                  "a method needs its object: auto object = m.object<T>(...); "
                  "m.activity<&T::method>(object)");
    add(detail::activity_definition<F>(), std::move(name), executor);
  }
  template <auto F, class T>
  void add_method(const Object<T>& object, std::string name, std::optional<Executor> executor) {
    static_assert(std::is_base_of_v<typename detail::ActivitySignature<decltype(F)>::Class, T>,
                  "this method is not one of the object's class");
    add(detail::activity_definition<F, detail::TypedArguments>(object), std::move(name), executor);
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
  void add(detail::ActivityDefinition definition, std::string name,
           std::optional<Executor> executor);
  void add_dynamic(detail::ActivityDefinition definition);
  void put_interceptors_around(detail::ActivityDefinition& definition);
  void add(std::shared_ptr<detail::ObjectBase> object) {
    objects_.emplace_back(std::move(object), origin_);
  }
  detail::WorkflowDefinition& add(detail::WorkflowDefinition definition);

  std::string origin_;
  std::map<std::string, std::shared_ptr<activity::detail::Interceptors>> interceptors_;
  std::map<std::string, detail::ActivityDefinition> activities_;
  std::optional<detail::ActivityDefinition> dynamic_;
  std::map<std::string, detail::PlainCall> offloaded_;
  std::vector<std::pair<std::shared_ptr<detail::ObjectBase>, std::string>> objects_;
  std::vector<std::function<void()>> preload_, child_start_, child_stop_;
  std::map<std::string, detail::WorkflowDefinition> workflows_;
};

/// Fills a Module; what TEMPORAL_EXPORT_MODULE exports and run_worker takes.
using ModuleFunction = void (*)(Module&);

}  // namespace temporal

/// The layout of what crosses between libtemporal.so and a module. A module built against another
/// one is refused when loaded.
#define TEMPORAL_MODULE_ABI "temporal-module-2"

/// The only macro users write: once per module, outside any namespace.
#define TEMPORAL_EXPORT_MODULE(function)                                                    \
  extern "C" TEMPORAL_API void temporal_module_register(temporal::Module& module) {         \
    function(module);                                                                       \
  }                                                                                         \
  extern "C" TEMPORAL_API const char* temporal_module_abi() { return TEMPORAL_MODULE_ABI; } \
  static_assert(true)
