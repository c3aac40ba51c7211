// SPDX-License-Identifier: MIT
// The metrics that the worker of a task queue keeps of itself, under the names that all Temporal workers use, so that
// one dashboard serves them all; beside them those of ours, supervisor_*.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/children/child_pool.hpp"
#include "supervisor/observe/metric_maker.hpp"
#include "supervisor/observe/user_metrics.hpp"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "temporal/log.hpp"
#include "temporal/options.hpp"

namespace temporal::supervisor {

/// From one stamp of the server to another; 0 when the earlier one is missing.
[[nodiscard]] inline std::chrono::nanoseconds between(Time earlier, Time later) {
  if (earlier == Time{} || later < earlier) return {};
  return later - earlier;
}

/// Of one activity type, called by one workflow type.
struct ActivityMetrics {
  Counter task_received;
  Counter execution_failed;  ///< not: benign ones
  Counter execution_cancelled;
  Latency schedule_to_start_latency;  ///< of this attempt
  Latency execution_latency;
  Latency succeed_endtoend_latency;  ///< since the first attempt was scheduled
  std::shared_ptr<UserMetrics> user;
};

/// Of local activities of one type, called by one workflow type.
struct LocalActivityMetrics {
  Counter total;             ///< calls, however many attempts each takes
  Counter execution_failed;  ///< not: benign ones
  Counter execution_cancelled;
  Latency execution_latency;  ///< of one attempt
  Latency succeed_endtoend_latency;
  std::shared_ptr<UserMetrics> user;
};

/// Of one workflow type. The counters once the server has taken the completion.
struct WorkflowMetrics {
  Counter completed;
  Counter canceled;
  Counter failed;  ///< not: benign failures
  Counter continue_as_new;
  Latency task_schedule_to_start_latency;
  Latency task_execution_latency;
  std::shared_ptr<UserMetrics> user;

  /// The counter of the end that the commands of this completion bring; null when the run goes on.
  [[nodiscard]] const Counter* closed_by(
      const api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& completion) const;
};

/// Of one kind of task: how many polls are open, how many places are taken and free.
struct TaskMetrics {
  Gauge pollers;
  Gauge slots_used;
  Gauge slots_available;

  void show(int polls, int running, int slots) const {
    pollers.set(polls);
    slots_used.set(running);
    slots_available.set(std::max(slots - running, 0));
  }
};

/// Of the runs that stay in memory between their tasks.
struct CacheMetrics {
  Counter hit;
  Counter miss;
  Counter forced_eviction;
  Gauge size;
  Gauge bytes;
};

/// Thread rule: core loop only, where nothing else is said.
class WorkerMetrics {
  // First: what is below is made by them.
  const MetricMaker make_;
  UserMeter user_;

 public:
  /// `log` may be written from any thread.
  WorkerMetrics(MetricRegistry& registry, const std::string& name_space,
                const std::string& task_queue, Logger& log, MetricsOptions options = {});

  // Once for each task. The references stay good.
  [[nodiscard]] const ActivityMetrics& activity(const std::string& type,
                                                const std::string& workflow_type, bool eager);
  [[nodiscard]] const LocalActivityMetrics& local_activity(const std::string& type,
                                                           const std::string& workflow_type);
  [[nodiscard]] const WorkflowMetrics& workflow(const std::string& type);

  // For what is rare: each looks its series up.
  void unregistered_activity(const std::string& type, const std::string& workflow_type, bool eager);
  void workflow_task_failed(const std::string& type, std::string_view reason);
  void deadlock(const std::string& workflow_type);
  void determinism_violation(const char* call);
  /// What a pool of children counts itself.
  void show(const children::PoolCounts& counts);

  const Counter worker_start;
  const Counter activity_poll_no_task;
  const Counter workflow_poll_empty;
  const Counter workflow_poll_succeed;
  const TaskMetrics activity_tasks;
  const TaskMetrics workflow_tasks;
  const Gauge local_slots_used, local_slots_available;
  const CacheMetrics cache;
  const Gauge leaked_workflow_threads;

 private:
  [[nodiscard]] TaskMetrics tasks(const char* poller_type, const char* worker_type) const;
  [[nodiscard]] Gauge children(const char* state) const;

  const Gauge children_starting_, children_idle_, children_busy_, children_stopping_;
  const Gauge zygote_generation_;
  const Counter child_starts_;
  const Counter kills_term_, kills_kill_;
  const Counter child_logs_dropped_, child_metrics_dropped_;
  std::map<std::string, ActivityMetrics> activities_;
  std::map<std::string, LocalActivityMetrics> locals_;
  std::map<std::string, WorkflowMetrics> workflows_;
};

/// The labels that the worker itself gives to some metric: no --metrics-label may be one of them.
[[nodiscard]] bool is_label_of_worker(std::string_view name);

}  // namespace temporal::supervisor
