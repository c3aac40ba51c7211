// SPDX-License-Identifier: MIT
// Runs of one workflow type, as a server keeps them for a worker under load: tasks out, answers in. They know as much of the rules
// as the workflows of contract_module.cpp need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tests/support/history_builder.hpp"

namespace temporal::bench {

namespace ws = api::workflowservice::v1;

/// Thread rule: one call at a time. What does not fit throws.
class LoadRuns {
 public:
  using WorkflowTask = ws::PollWorkflowTaskQueueResponse;
  using ActivityTask = ws::PollActivityTaskQueueResponse;

  /// Where tasks go: the first of a run to whoever serves the queue, the others to who has the run in memory.
  struct Queues {
    std::function<void(const WorkflowTask&)> normal;
    std::function<void(const WorkflowTask&)> sticky;
    std::function<void(const ActivityTask&)> activities;
  };

  LoadRuns(std::string task_queue, std::string type, nlohmann::json argument, Queues queues)
      : task_queue_(std::move(task_queue)),
        type_(std::move(type)),
        argument_(std::move(argument)),
        queues_(std::move(queues)) {}

  void begin();
  /// An activity that is asked for eagerly comes with the response.
  ws::RespondWorkflowTaskCompletedResponse complete_task(
      const ws::RespondWorkflowTaskCompletedRequest& request);
  void complete_activity(const ws::RespondActivityTaskCompletedRequest& request);
  /// From now on an end is no longer the begin of another run.
  void begin_no_more() { ending_ = true; }

  [[nodiscard]] int ended() const { return ended_; }
  [[nodiscard]] std::size_t open() const { return runs_.size(); }

 private:
  struct Run {
    testing::HistoryBuilder history;
    std::int64_t last_started = 0;  // as far as the worker knows the history
    int open_activities = 0;
  };

  void add_task(const std::string& run_id, Run& run);
  ActivityTask begin_activity(const std::string& run_id, Run& run,
                              const api::command::v1::ScheduleActivityTaskCommandAttributes& asked);

  const std::string task_queue_;
  const std::string type_;
  const nlohmann::json argument_;
  const Queues queues_;
  std::unordered_map<std::string, Run> runs_;
  int begun_ = 0;
  int ended_ = 0;
  bool ending_ = false;
};

}  // namespace temporal::bench
