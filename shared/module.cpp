// SPDX-License-Identifier: MIT
#include "temporal/module.hpp"

#include <stdexcept>

#include "shared/decoded_once.hpp"

namespace temporal {

Module::Module() { set_origin("this program"); }
Module::~Module() = default;

namespace {

void check_name(std::string_view kind, const std::string& name, bool taken,
                const std::string& first = {}, const std::string& second = {}) {
  if (name.empty())
    throw std::invalid_argument(std::string(kind) +
                                " was registered without a name and has none of its own");
  if (name.starts_with("__temporal_") || name == "__stack_trace" ||
      name == "__enhanced_stack_trace")
    throw std::invalid_argument(std::string(kind) + " '" + name +
                                "': this name is one of Temporal's own, choose another");
  if (taken)
    throw std::invalid_argument(std::string(kind) + " '" + name + "' is registered twice" +
                                (first.empty()     ? ""
                                 : first == second ? " (both times by " + first + ")"
                                                   : " (by " + first + " and by " + second + ")") +
                                ": give one of them another name");
}

bool any(const ActivityLimits& limits) {
  return limits.memory > 0 || limits.cpu_time.count() > 0 || limits.open_files > 0 ||
         limits.processes > 0 || limits.nice > 0 || limits.oom_score_adj > 0 ||
         limits.cancel_grace || limits.timeout_grace || limits.term_grace;
}

void check_limits(const std::string& name, const ActivityRegistration& how) {
  const auto& limits = how.limits;
  const auto negative = [](const std::optional<Duration>& grace) {
    return grace && grace->count() < 0;
  };
  if (limits.cpu_time.count() < 0 || limits.open_files < 0 || limits.processes < 0 ||
      limits.nice < 0 || limits.oom_score_adj < 0 || negative(limits.cancel_grace) ||
      negative(limits.timeout_grace) || negative(limits.term_grace) ||
      how.auto_heartbeat.count() < 0)
    throw std::invalid_argument("activity '" + name +
                                "': a limit, a grace or an interval is below zero");
  if (how.executor == Executor::threads && any(limits))
    throw std::invalid_argument("activity '" + name +
                                "' has limits, which only a process of its own can be held to: let "
                                "it run in a child, or leave the limits out");
}

}  // namespace

namespace {

template <class Handler>
void add_to(detail::HandlersOf<Handler>& handlers, std::string_view kind, std::string name,
            Handler handler) {
  check_name(kind, name, handlers.by_name.contains(name));
  handlers.by_name.emplace(std::move(name), std::move(handler));
}

template <class Handler>
void add_catch_all_to(detail::HandlersOf<Handler>& handlers, const char* kind, Handler handler) {
  if (handlers.catch_all)
    throw std::invalid_argument(std::string("a second catch-all for ") + kind +
                                " is registered: a workflow can have one");
  handlers.catch_all = std::move(handler);
}

}  // namespace

namespace detail {

void add_handler(Handlers& handlers, std::string name, SignalHandler handler) {
  add_to(handlers.signals, "signal", std::move(name), std::move(handler));
}
void add_handler(Handlers& handlers, std::string name, QueryHandler handler) {
  add_to(handlers.queries, "query", std::move(name), std::move(handler));
}
void add_handler(Handlers& handlers, std::string name, UpdateHandler handler) {
  add_to(handlers.updates, "update", std::move(name), std::move(handler));
}
void add_catch_all(Handlers& handlers, SignalHandler handler) {
  add_catch_all_to(handlers.signals, "signals", std::move(handler));
}
void add_catch_all(Handlers& handlers, QueryHandler handler) {
  add_catch_all_to(handlers.queries, "queries", std::move(handler));
}
void add_catch_all(Handlers& handlers, UpdateHandler handler) {
  add_catch_all_to(handlers.updates, "updates", std::move(handler));
}

}  // namespace detail

void Module::set_origin(std::string module) {
  origin_ = std::move(module);
  auto& interceptors = interceptors_[origin_];
  if (!interceptors) interceptors = std::make_shared<activity::detail::Interceptors>();
  auto& of_workflows = workflow_interceptors_[origin_];
  if (!of_workflows) of_workflows = std::make_shared<workflow::detail::InterceptorMakers>();
}

// Which they are is known when the module's function has ended.
void Module::put_interceptors_around(detail::ActivityDefinition& definition) {
  std::shared_ptr<const activity::detail::Interceptors> around = interceptors_[origin_];
  if (definition.call)
    definition.call.function = [around, call = std::move(definition.call.function)](
                                   activity::Context& context, const Payloads& arguments) {
      if (around->empty()) return call(context, arguments);
      return activity::detail::intercepted(
          *around, context, detail::DecodedOnce::whole(arguments),
          [&](const Payloads& passed) { return call(context, passed); });
    };
  if (definition.call_on_loop)
    definition.call_on_loop = [around, call = std::move(definition.call_on_loop)](
                                  activity::Context& context, Payloads arguments) {
      if (around->empty()) return call(context, std::move(arguments));
      return activity::detail::intercepted(
          around, context, std::move(arguments),
          [&context, &call](Payloads passed) { return call(context, std::move(passed)); });
    };
}

void Module::add(detail::ActivityDefinition definition, std::string name,
                 const ActivityRegistration& how) {
  definition.name = std::move(name);
  definition.origin = origin_;
  if (how.executor == Executor::loop)
    throw std::invalid_argument("activity '" + definition.name +
                                "' is a plain function: it cannot run on a loop, which it would "
                                "block; choose child or threads, or make it a coroutine");
  if (how.executor) definition.executor = how.executor;
  check_limits(definition.name, how);
  definition.limits = how.limits;
  definition.auto_heartbeat = how.auto_heartbeat;
  const auto taken = activities_.find(definition.name);
  check_name("activity", definition.name, taken != activities_.end(),
             taken == activities_.end() ? "" : taken->second.origin, origin_);
  put_interceptors_around(definition);
  activities_.emplace(definition.name, std::move(definition));
}

void Module::add_dynamic(detail::ActivityDefinition definition) {
  if (dynamic_)
    throw std::invalid_argument("a second catch-all activity is registered (by " +
                                dynamic_->origin + " and by " + origin_ +
                                "): a worker can have one");
  definition.origin = origin_;
  put_interceptors_around(definition);
  dynamic_ = std::move(definition);
}

void Module::add(detail::OffloadedFunction function) {
  offloaded_.insert_or_assign(std::move(function.name), std::move(function.call));
}

const detail::ActivityDefinition* Module::find_activity(const std::string& name) const {
  const auto found = activities_.find(name);
  if (found != activities_.end()) return &found->second;
  return dynamic_ ? &*dynamic_ : nullptr;
}

detail::WorkflowDefinition& Module::add(detail::WorkflowDefinition definition) {
  check_name("workflow", definition.name, workflows_.contains(definition.name));
  definition.interceptors = workflow_interceptors_[origin_];
  auto name = definition.name;
  return workflows_.emplace(std::move(name), std::move(definition)).first->second;
}

detail::WorkflowDefinition& Module::add_dynamic(detail::WorkflowDefinition definition) {
  if (dynamic_workflow_)
    throw std::invalid_argument("a second catch-all workflow is registered: a worker can have one");
  definition.interceptors = workflow_interceptors_[origin_];
  return dynamic_workflow_.emplace(std::move(definition));
}

void Module::set_activates_patch(std::function<bool(std::string_view)> decide) {
  if (activates_patch_)
    throw std::invalid_argument("activate_patches() is called twice (by " +
                                activates_patch_origin_ + " and by " + origin_ +
                                "): a worker has one answer for all its workflows");
  activates_patch_ = std::move(decide);
  activates_patch_origin_ = origin_;
}

const detail::WorkflowDefinition* Module::find_workflow(const std::string& type) const {
  const auto found = workflows_.find(type);
  if (found != workflows_.end()) return &found->second;
  return dynamic_workflow_ ? &*dynamic_workflow_ : nullptr;
}

}  // namespace temporal
