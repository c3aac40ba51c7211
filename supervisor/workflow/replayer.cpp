// SPDX-License-Identifier: MIT
#include "supervisor/workflow/replayer.hpp"

#include <utility>

namespace temporal::engine {

namespace {

// Old histories do not name their workflow id; nothing depends on it.
RunContext context_of(const api::history::v1::WorkflowExecutionStartedEventAttributes& started) {
  RunContext context;
  context.workflow_namespace = "replay";
  context.workflow_id = started.workflow_id().empty() ? "unknown" : started.workflow_id();
  context.run_id = started.original_execution_run_id();
  context.workflow_type = started.workflow_type().name();
  context.task_queue = started.task_queue().name();
  context.replay_only = true;
  return context;
}

}  // namespace

ReplayResult replay(const Module& module, const api::history::v1::History& history) {
  ReplayResult result;
  if (history.events().empty() ||
      !history.events(0).has_workflow_execution_started_event_attributes()) {
    result.message = "the history does not begin with WorkflowExecutionStarted";
    return result;
  }
  const auto& started = history.events(0).workflow_execution_started_event_attributes();
  WorkflowRun run(module, context_of(started));
  WorkflowTaskInput task;
  task.history = history;
  const auto outcome = run.activate(std::move(task));
  result.ok = !outcome.failure;
  if (outcome.failure) {
    result.message = outcome.failure->text;
    result.event_id = outcome.failure->event_id;
  }
  return result;
}

}  // namespace temporal::engine
