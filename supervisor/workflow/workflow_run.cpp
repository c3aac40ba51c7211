// SPDX-License-Identifier: MIT
#include "supervisor/workflow/workflow_run.hpp"

#include <exception>
#include <utility>

#include "shared/failure_proto.hpp"
#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/event_loop.hpp"
#include "supervisor/workflow/history.hpp"
#include "supervisor/workflow/instance.hpp"
#include "supervisor/workflow/machines.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

std::string named(const RunContext& context) {
  return context.workflow_type + " (workflow id " + context.workflow_id + ", run id " +
         context.run_id + ")";
}

TaskFailure failure_of(enums::WorkflowTaskFailedCause cause, const char* type, std::string text,
                       std::int64_t event_id) {
  TaskFailure failure;
  failure.cause = cause;
  failure.failure.set_message(text);
  failure.failure.set_source(kFailureSource);
  failure.failure.mutable_application_failure_info()->set_type(type);
  failure.text = std::move(text);
  failure.event_id = event_id;
  return failure;
}

// What user code threw, or what the engine did.
TaskFailure failure_from(std::exception_ptr error, const RunContext& context,
                         std::int64_t last_started) {
  constexpr auto kUnhandled = enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;
  try {
    std::rethrow_exception(error);
  } catch (const Nondeterminism& wrong) {
    return failure_of(enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
                      "NondeterminismError",
                      "[TMPRL1100] Nondeterminism at event " + std::to_string(wrong.event_id()) +
                          " of workflow " + named(context) + ": " + wrong.what() +
                          ". The code no longer does what it did when this was recorded",
                      wrong.event_id());
  } catch (const EngineError& wrong) {
    return failure_of(kUnhandled, "EngineError", "workflow " + named(context) + ": " + wrong.what(),
                      wrong.event_id());
  } catch (...) {
    TaskFailure failure;
    failure.cause = kUnhandled;
    to_failure_proto(error, &failure.failure);
    failure.text = "workflow " + named(context) + " threw " +
                   failure.failure.application_failure_info().type() + ": " +
                   failure.failure.message();
    failure.event_id = last_started;
    return failure;
  }
}

std::string registered_types(const Module& module) {
  std::string names;
  for (const auto& [name, definition] : module.workflows())
    names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

}  // namespace

struct WorkflowRun::Parts {
  Parts(const Module& the_module, RunContext the_context, LogSink the_sink)
      : module(the_module), context(std::move(the_context)), sink(std::move(the_sink)) {}

  TaskOutcome apply(WorkflowTaskInput task);
  void find_definition();

  const Module& module;
  const RunContext context;
  const LogSink sink;
  History history;
  Machines machines{context};
  EventLoop loop;
  EngineRuntime runtime{machines, loop, sink};
  std::unique_ptr<Instance> instance;  // goes first: user code may use all of the above
  bool broken = false;
};

void WorkflowRun::Parts::find_definition() {
  if (instance) return;
  const auto found = module.workflows().find(context.workflow_type);
  if (found == module.workflows().end())
    throw EngineError(0, "no workflow of this type is registered with this worker; registered: " +
                             registered_types(module));
  instance = std::make_unique<Instance>(found->second, machines, loop, runtime);
}

TaskOutcome WorkflowRun::Parts::apply(WorkflowTaskInput task) {
  find_definition();
  history.add(std::move(task.history), true);
  if (history.last_event_id() < task.started_event_id)
    throw EngineError(history.last_event_id(), "history ended early: its last event is " +
                                                   std::to_string(history.last_event_id()) +
                                                   ", the task starts with " +
                                                   std::to_string(task.started_event_id));
  machines.begin_task(task.previous_started_event_id);
  while (history.look() == History::Next::chunk) {
    const auto chunk = history.take();
    machines.apply(chunk, history.next_completed());
    if (!chunk.wakes) continue;
    auto jobs = machines.take_jobs();
    if (jobs.empty()) continue;
    instance->activate(std::move(jobs));
    machines.end_activation();
  }
  TaskOutcome outcome;
  outcome.commands = machines.commands();
  outcome.sdk_metadata = machines.sdk_metadata();
  outcome.finished = machines.finished();
  return outcome;
}

WorkflowRun::WorkflowRun(const Module& module, RunContext context, LogSink log)
    : parts_(std::make_unique<Parts>(module, std::move(context), std::move(log))) {}

WorkflowRun::~WorkflowRun() = default;

TaskOutcome WorkflowRun::activate(WorkflowTaskInput task) noexcept {
  auto& parts = *parts_;
  TaskOutcome outcome;
  try {
    if (parts.broken) throw EngineError(0, "this run failed a task before and is to be forgotten");
    return parts.apply(std::move(task));
  } catch (...) {
    outcome.failure = failure_from(std::current_exception(), parts.context,
                                   parts.machines.last_started_event_id());
  }
  parts.broken = true;
  return outcome;
}

bool WorkflowRun::finished() const noexcept { return parts_->machines.finished(); }

std::int64_t WorkflowRun::last_started_event_id() const noexcept {
  return parts_->machines.last_started_event_id();
}

const RunContext& WorkflowRun::context() const noexcept { return parts_->context; }

}  // namespace temporal::engine
