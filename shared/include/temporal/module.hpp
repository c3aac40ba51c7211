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
#include "temporal/payload_codec.hpp"
#include "temporal/signature.hpp"
#include "temporal/task.hpp"
#include "temporal/workflow_builder.hpp"
#include "temporal/workflow_interceptor.hpp"

namespace temporal {

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
    add_function<F>(detail::own_name_unless<F>(how.name), how);
  }
  template <auto F>
  requires(!detail::ActivitySignature<decltype(F)>::kAwaitable) void activity() {
    add_function<F>(std::string(name_of<F>()), {});
  }

  /// A coroutine: runs on a loop thread of the supervisor, where it may wait but never block.
  template <auto F>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      CoroutineRegistration how) {
    add_function<F>(detail::own_name_unless<F>(how.name), {.auto_heartbeat = how.auto_heartbeat});
  }
  template <auto F>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity() {
    add_function<F>(std::string(name_of<F>()), {});
  }

  /// A method, called on the object of the process it runs in: plain or a coroutine, as above.
  template <auto F, class T>
  requires(!detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      const Object<T>& object, ActivityRegistration how) {
    add_method<F>(object, detail::own_name_unless<F>(how.name), how);
  }
  template <auto F, class T>
  requires(detail::ActivitySignature<decltype(F)>::kAwaitable) void activity(
      const Object<T>& object, CoroutineRegistration how) {
    add_method<F>(object, detail::own_name_unless<F>(how.name),
                  {.auto_heartbeat = how.auto_heartbeat});
  }
  template <auto F, class T>
  void activity(const Object<T>& object) {
    add_method<F>(object, std::string(name_of<F>()), {});
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
  /// part of an activity. They are given arguments whole: with one, a BytesView is of a copy.
  void intercept(std::shared_ptr<activity::Interceptor> interceptor) {
    interceptors_[origin_]->push_back(std::move(interceptor));
  }

  /// The same for workflows: each run has a T of its own, made from copies of `args`.
  template <class T, class... Args>
  void intercept_workflows(Args&&... args) {
    static_assert(std::is_base_of_v<workflow::Interceptor, T>,
                  "an interceptor of workflows derives from temporal::workflow::Interceptor");
    workflow_interceptors_[origin_]->push_back(
        [args = std::make_tuple(
             std::forward<Args>(args)...)]() -> std::unique_ptr<workflow::Interceptor> {
          return std::apply([](const auto&... a) { return std::make_unique<T>(a...); }, args);
        });
  }

  /// All payloads of this worker go through a T, made from copies of `args` in the one process that
  /// talks to the server: what it keeps secret is in no child. Also in Client, by
  /// ClientOptions::codecs.
  template <class T, class... Args>
  void codec(Args&&... args) {
    static_assert(std::is_base_of_v<PayloadCodec, T>,
                  "a codec derives from temporal::PayloadCodec");
    codecs_.push_back(
        [args = std::make_tuple(std::forward<Args>(args)...)]() -> std::shared_ptr<PayloadCodec> {
          return std::apply([](const auto&... a) { return std::make_shared<T>(a...); }, args);
        });
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

  /// Takes every workflow type that has no class of its own: its run() takes (std::string type,
  /// temporal::Payloads arguments). At most one: a second throws std::invalid_argument.
  template <class W>
  WorkflowBuilder<W> dynamic_workflow() {
    static_assert(
        detail::takes_raw_input<typename detail::Signature<decltype(&W::run)>::Parameters>,
        "a catch-all workflow's run() takes the workflow type and its raw arguments: "
        "(std::string, temporal::Payloads)");
    return WorkflowBuilder<W>(add_dynamic(definition_of<W>({})));
  }

  /// WorkflowBuilder::fails_with for all workflows of this worker.
  template <class... Exceptions>
  void workflows_fail_with() {
    (failures_.push_back(detail::is_exception<Exceptions>), ...);
  }

  /// Is asked by workflow::patched(), of each patch for which a run comes by for the first time:
  /// `bool decide(std::string_view id)`. False: this run goes the old way, and stays there. While a
  /// new version is being rolled out, workers of the old one can still carry such runs on. It may
  /// look at workflow::info(), and ask the world, but nothing may happen. The default says true. One
  /// for all modules of a worker: a second throws std::invalid_argument.
  template <class F>
  void activate_patches(F decide) {
    static_assert(std::is_same_v<std::invoke_result_t<F&, std::string_view>, bool>,
                  "it says yes or no: bool decide(std::string_view id)");
    set_activates_patch(std::move(decide));
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
  /// The workflow of that type, else the catch-all, else null.
  [[nodiscard]] const detail::WorkflowDefinition* find_workflow(const std::string& type) const;
  [[nodiscard]] bool has_workflows() const { return !workflows_.empty() || dynamic_workflow_; }
  /// Null when there is no catch-all.
  [[nodiscard]] const detail::WorkflowDefinition* catch_all_workflow() const {
    return dynamic_workflow_ ? &*dynamic_workflow_ : nullptr;
  }
  [[nodiscard]] const std::vector<detail::IsFailure>& workflow_failures() const {
    return failures_;
  }
  [[nodiscard]] const std::vector<std::function<std::shared_ptr<PayloadCodec>()>>& codecs() const {
    return codecs_;
  }
  /// Empty: all are activated.
  [[nodiscard]] const std::function<bool(std::string_view)>& activates_patch() const {
    return activates_patch_;
  }

 private:
  template <auto F>
  void add_function(std::string name, const ActivityRegistration& how) {
    static_assert(std::is_void_v<typename detail::ActivitySignature<decltype(F)>::Class>,
                  "a method needs its object: auto object = m.object<T>(...); "
                  "m.activity<&T::method>(object)");
    add(detail::activity_definition<F>(), std::move(name), how);
  }
  template <auto F, class T>
  void add_method(const Object<T>& object, std::string name, const ActivityRegistration& how) {
    static_assert(std::is_base_of_v<typename detail::ActivitySignature<decltype(F)>::Class, T>,
                  "this method is not one of the object's class");
    add(detail::activity_definition<F, detail::TypedArguments>(object), std::move(name), how);
  }
  template <class W>
  static detail::WorkflowDefinition definition_of(std::string name) {
    static_assert(detail::Signature<decltype(&W::run)>::kTask,
                  "a workflow's run() is a coroutine: it returns temporal::Task<T>");
    static_assert(std::is_default_constructible_v<W> || detail::constructed_from_arguments<W>,
                  "a workflow class needs a constructor without arguments, or one that takes those "
                  "of its run()");
    return {std::move(name), &detail::WorkflowOf<W>::create, {}, {}, Versioning::unspecified, {}};
  }
  template <class W>
  detail::WorkflowDefinition& add_workflow(std::string name) {
    return add(definition_of<W>(std::move(name)));
  }
  /// `how`: all but its name.
  void add(detail::ActivityDefinition definition, std::string name,
           const ActivityRegistration& how);
  void add_dynamic(detail::ActivityDefinition definition);
  void put_interceptors_around(detail::ActivityDefinition& definition);
  void set_activates_patch(std::function<bool(std::string_view)> decide);
  void add(std::shared_ptr<detail::ObjectBase> object) {
    objects_.emplace_back(std::move(object), origin_);
  }
  detail::WorkflowDefinition& add(detail::WorkflowDefinition definition);
  detail::WorkflowDefinition& add_dynamic(detail::WorkflowDefinition definition);

  std::string origin_;
  std::map<std::string, std::shared_ptr<activity::detail::Interceptors>> interceptors_;
  std::map<std::string, std::shared_ptr<workflow::detail::InterceptorMakers>>
      workflow_interceptors_;
  std::vector<std::function<std::shared_ptr<PayloadCodec>()>> codecs_;
  std::map<std::string, detail::ActivityDefinition> activities_;
  std::optional<detail::ActivityDefinition> dynamic_;
  std::map<std::string, detail::PlainCall> offloaded_;
  std::vector<std::pair<std::shared_ptr<detail::ObjectBase>, std::string>> objects_;
  std::vector<std::function<void()>> preload_, child_start_, child_stop_;
  std::map<std::string, detail::WorkflowDefinition> workflows_;
  std::optional<detail::WorkflowDefinition> dynamic_workflow_;
  std::vector<detail::IsFailure> failures_;
  std::function<bool(std::string_view)> activates_patch_;
  std::string activates_patch_origin_;
};

/// Fills a Module; what TEMPORAL_EXPORT_MODULE exports and run_worker takes.
using ModuleFunction = void (*)(Module&);

}  // namespace temporal

/// The layout of what crosses between libtemporal.so and a module. A module built against another
/// one is refused when loaded.
#define TEMPORAL_MODULE_ABI "temporal-module-9"

/// The only macro users write: once per module, outside any namespace.
#define TEMPORAL_EXPORT_MODULE(function)                                                    \
  extern "C" TEMPORAL_API void temporal_module_register(temporal::Module& module) {         \
    function(module);                                                                       \
  }                                                                                         \
  extern "C" TEMPORAL_API const char* temporal_module_abi() { return TEMPORAL_MODULE_ABI; } \
  static_assert(true)
