// SPDX-License-Identifier: MIT
#include "tests/bench/load_runs.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>

namespace temporal::bench {

void LoadRuns::begin() {
  std::array<char, 48> id{};
  std::snprintf(id.data(), id.size(), "00000000-0000-4000-8000-%012d", ++begun_);
  auto& run =
      runs_.emplace(id.data(), Run{testing::HistoryBuilder(type_, argument_)}).first->second;
  auto& started = *run.history.at(1).mutable_workflow_execution_started_event_attributes();
  started.mutable_task_queue()->set_name(task_queue_);
  started.set_original_execution_run_id(id.data());
  add_task(id.data(), run);
}

void LoadRuns::add_task(const std::string& run_id, Run& run) {
  WorkflowTask task;
  task.set_task_token(run_id);
  task.mutable_workflow_execution()->set_workflow_id("load-" + run_id);
  task.mutable_workflow_execution()->set_run_id(run_id);
  task.mutable_workflow_type()->set_name(type_);
  task.set_attempt(1);
  task.set_previous_started_event_id(run.last_started);
  const auto known = std::exchange(run.last_started, run.history.task());
  task.set_started_event_id(run.last_started);
  *task.mutable_history() = run.history.since(known + 1);
  (known == 0 ? queues_.normal : queues_.sticky)(task);
}

ws::RespondWorkflowTaskCompletedResponse LoadRuns::complete_task(
    const ws::RespondWorkflowTaskCompletedRequest& request) {
  const auto& run_id = request.task_token();
  auto& run = runs_.at(run_id);
  run.history.task_completed();
  ws::RespondWorkflowTaskCompletedResponse response;
  for (const auto& command : request.commands()) {
    if (command.has_schedule_activity_task_command_attributes()) {
      const auto& asked = command.schedule_activity_task_command_attributes();
      auto task = begin_activity(run_id, run, asked);
      if (asked.request_eager_execution())
        *response.add_activity_tasks() = std::move(task);
      else
        queues_.activities(task);
    } else if (command.has_complete_workflow_execution_command_attributes()) {
      runs_.erase(run_id);
      ++ended_;
      if (!ending_) begin();
    } else {
      throw std::invalid_argument("no load is about such a command: " + command.ShortDebugString());
    }
  }
  return response;
}

LoadRuns::ActivityTask LoadRuns::begin_activity(
    const std::string& run_id, Run& run,
    const api::command::v1::ScheduleActivityTaskCommandAttributes& asked) {
  const auto scheduled =
      run.history.activity_scheduled(asked.activity_id(), asked.activity_type().name());
  ++run.open_activities;
  ActivityTask task;
  task.set_task_token(run_id + "/" + std::to_string(scheduled));
  task.set_workflow_namespace("default");
  task.mutable_workflow_type()->set_name(type_);
  task.mutable_workflow_execution()->set_workflow_id("load-" + run_id);
  task.mutable_workflow_execution()->set_run_id(run_id);
  *task.mutable_activity_type() = asked.activity_type();
  task.set_activity_id(asked.activity_id());
  *task.mutable_input() = asked.input();
  *task.mutable_start_to_close_timeout() = asked.start_to_close_timeout();
  task.set_attempt(1);
  return task;
}

// The next task of a run comes when all of its activities have ended.
void LoadRuns::complete_activity(const ws::RespondActivityTaskCompletedRequest& request) {
  const auto& token = request.task_token();
  const auto slash = token.find('/');
  const auto run_id = token.substr(0, slash);
  auto& run = runs_.at(run_id);
  const auto scheduled = std::stoll(token.substr(slash + 1));
  run.history.activity_started(scheduled);
  run.history.activity_completed(scheduled, nullptr);
  *run.history.last().mutable_activity_task_completed_event_attributes()->mutable_result() =
      request.result();
  if (--run.open_activities == 0) add_task(run_id, run);
}

}  // namespace temporal::bench
