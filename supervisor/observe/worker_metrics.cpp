// SPDX-License-Identifier: MIT
#include "supervisor/observe/worker_metrics.hpp"

#include <algorithm>
#include <utility>

namespace temporal::supervisor {

namespace {

namespace enums = api::enums::v1;

// In ms.
constexpr std::array<double, 16> kEndToEnd{
    100,    500,     1'000,   1'500,   2'000,     5'000,     10'000,     30'000,
    60'000, 120'000, 300'000, 600'000, 1'800'000, 3'600'000, 36'000'000, 86'400'000};
constexpr std::array<double, 7> kScheduleToStart{100,    500,     1'000,    5'000,
                                                 10'000, 100'000, 1'000'000};
constexpr std::array<double, 8> kWorkflowTask{1, 10, 20, 50, 100, 200, 500, 1'000};
constexpr std::array<double, 7> kActivityExecution{50, 100, 500, 1'000, 5'000, 10'000, 60'000};

// Types come from the server, and with them whoever may start workflows there could make series
// without end. What is beyond this many goes by one name.
constexpr std::size_t kMostTypes = 1'000;
constexpr const char* kOther = "other";

std::string key_of(const std::string& type, const std::string& workflow_type, bool eager) {
  return (eager ? "eager " : "polled ") + type + '\0' + workflow_type;
}

MetricLabels activity_labels(const std::string& type, const std::string& workflow_type,
                             bool eager) {
  return {{"activity_type", type},
          {"workflow_type", workflow_type},
          {"eager", eager ? "true" : "false"}};
}

}  // namespace

bool is_label_of_worker(std::string_view name) {
  constexpr std::string_view kOurs[] = {
      "namespace",      "task_queue", "service_name", "activity_type", "workflow_type",
      "eager",          "operation",  "status_code",  "poller_type",   "worker_type",
      "failure_reason", "state",      "reason",       "step",          "loop",
      "call",           "le"};
  return std::ranges::find(kOurs, name) != std::end(kOurs);
}

const Counter* WorkflowMetrics::closed_by(
    const api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& completion) const {
  for (const auto& command : completion.commands()) {
    switch (command.command_type()) {
      case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
        return &completed;
      case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
        return &canceled;
      case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
        return &continue_as_new;
      case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION: {
        const auto& failure = command.fail_workflow_execution_command_attributes().failure();
        const bool benign = failure.application_failure_info().category() ==
                            enums::APPLICATION_ERROR_CATEGORY_BENIGN;
        return benign ? nullptr : &failed;
      }
      default:
        break;
    }
  }
  return nullptr;
}

WorkerMetrics::WorkerMetrics(MetricRegistry& registry, const std::string& name_space,
                             const std::string& task_queue, Logger& log, MetricsOptions options)
    : make_(registry, std::move(options), {{"namespace", name_space}, {"task_queue", task_queue}}),
      user_(registry, make_.labels(), log, make_.options()),
      worker_start(make_.counter("worker_start", "Workers started")),
      activity_poll_no_task(
          make_.counter("activity_poll_no_task", "Polls for activity tasks that brought none")),
      workflow_poll_empty(make_.counter("workflow_task_queue_poll_empty",
                                        "Polls for workflow tasks that brought none")),
      workflow_poll_succeed(make_.counter("workflow_task_queue_poll_succeed",
                                          "Polls for workflow tasks that brought one")),
      activity_tasks(tasks("activity_task", "ActivityWorker")),
      workflow_tasks(tasks("workflow_task", "WorkflowWorker")),
      local_slots_used(make_.gauge("worker_task_slots_used", "Slots that are taken by tasks",
                                   {{"worker_type", "LocalActivityWorker"}})),
      local_slots_available(make_.gauge("worker_task_slots_available", "Slots that are free",
                                        {{"worker_type", "LocalActivityWorker"}})),
      cache{.hit = make_.counter("sticky_cache_hit",
                                 "Workflow tasks that went on with the run in memory"),
            .miss = make_.counter("sticky_cache_miss",
                                  "Workflow tasks with news only, of a run that was not there"),
            .forced_eviction = make_.counter(
                "sticky_cache_total_forced_eviction",
                "Runs that left memory before their end: to make room, or because a task failed"),
            .size = make_.gauge("sticky_cache_size", "Runs in memory between their tasks"),
            .bytes = make_.gauge("supervisor_cache_bytes", "Memory that these runs take, about")},
      leaked_workflow_threads(make_.gauge("supervisor_leaked_workflow_threads",
                                          "Threads that workflow code never gave back")),
      children_starting_(children("starting")),
      children_idle_(children("idle")),
      children_busy_(children("busy")),
      children_stopping_(children("stopping")),
      zygote_generation_(
          make_.gauge("supervisor_zygote_generation", "How many processes that fork were started")),
      child_starts_(make_.counter("supervisor_child_starts", "Child processes asked for")),
      kills_term_(
          make_.counter("supervisor_kills", "Signals sent to end a child", {{"step", "SIGTERM"}})),
      kills_kill_(
          make_.counter("supervisor_kills", "Signals sent to end a child", {{"step", "SIGKILL"}})),
      child_logs_dropped_(make_.counter("supervisor_child_logs_dropped",
                                        "Log lines for which a child found no room in its ring")),
      child_metrics_dropped_(make_.counter("supervisor_child_metrics_dropped",
                                           "Metrics for which a child found no room in its ring")) {
}

TaskMetrics WorkerMetrics::tasks(const char* poller_type, const char* worker_type) const {
  return {.pollers = make_.gauge("num_pollers", "Polls that are open or wait for a free slot",
                                 {{"poller_type", poller_type}}),
          .slots_used = make_.gauge("worker_task_slots_used", "Slots that are taken by tasks",
                                    {{"worker_type", worker_type}}),
          .slots_available = make_.gauge("worker_task_slots_available", "Slots that are free",
                                         {{"worker_type", worker_type}})};
}

Gauge WorkerMetrics::children(const char* state) const {
  return make_.gauge("supervisor_children", "Places for activities in child processes",
                     {{"state", state}});
}

const ActivityMetrics& WorkerMetrics::activity(const std::string& type,
                                               const std::string& workflow_type, bool eager) {
  const auto key = key_of(type, workflow_type, eager);
  const auto found = activities_.find(key);
  if (found != activities_.end()) return found->second;
  if (activities_.size() >= kMostTypes && type != kOther) return activity(kOther, kOther, eager);
  const auto labels = activity_labels(type, workflow_type, eager);
  return activities_
      .emplace(
          key,
          ActivityMetrics{
              .task_received = make_.counter("activity_task_received",
                                             "Activity tasks that polls brought", labels),
              .execution_failed =
                  make_.counter("activity_execution_failed",
                                "Attempts that failed, benign failures aside", labels),
              .execution_cancelled = make_.counter("activity_execution_cancelled",
                                                   "Attempts reported as cancelled", labels),
              .schedule_to_start_latency = make_.latency(
                  "activity_schedule_to_start_latency",
                  "From the scheduling of this attempt to its start", kScheduleToStart, labels),
              .execution_latency =
                  make_.latency("activity_execution_latency",
                                "From the arrival of a task to the end of its attempt",
                                kActivityExecution, labels),
              .succeed_endtoend_latency = make_.latency(
                  "activity_succeed_endtoend_latency",
                  "From the scheduling of the first attempt to success", kEndToEnd, labels),
              .user = std::make_shared<UserMetrics>(user_, type, workflow_type)})
      .first->second;
}

const LocalActivityMetrics& WorkerMetrics::local_activity(const std::string& type,
                                                          const std::string& workflow_type) {
  const auto key = type + '\0' + workflow_type;
  const auto found = locals_.find(key);
  if (found != locals_.end()) return found->second;
  if (locals_.size() >= kMostTypes && type != kOther) return local_activity(kOther, kOther);
  const MetricLabels labels{{"activity_type", type}, {"workflow_type", workflow_type}};
  return locals_
      .emplace(key,
               LocalActivityMetrics{
                   .total = make_.counter("local_activity_total",
                                          "Local activities that were asked for", labels),
                   .execution_failed =
                       make_.counter("local_activity_execution_failed",
                                     "Attempts that failed, benign failures aside", labels),
                   .execution_cancelled = make_.counter("local_activity_execution_cancelled",
                                                        "Attempts that ended as cancelled", labels),
                   .execution_latency = make_.latency("local_activity_execution_latency",
                                                      "From the start of an attempt to its end",
                                                      kActivityExecution, labels),
                   .succeed_endtoend_latency = make_.latency(
                       "local_activity_succeed_endtoend_latency",
                       "From the scheduling of the first attempt to success", kEndToEnd, labels),
                   .user = std::make_shared<UserMetrics>(user_, type, workflow_type)})
      .first->second;
}

const WorkflowMetrics& WorkerMetrics::workflow(const std::string& type) {
  const auto found = workflows_.find(type);
  if (found != workflows_.end()) return found->second;
  if (workflows_.size() >= kMostTypes && type != kOther) return workflow(kOther);
  const MetricLabels labels{{"workflow_type", type}};
  return workflows_
      .emplace(
          type,
          WorkflowMetrics{
              .completed = make_.counter("workflow_completed", "Workflows that returned", labels),
              .canceled =
                  make_.counter("workflow_canceled", "Workflows that were cancelled", labels),
              .failed = make_.counter("workflow_failed",
                                      "Workflows that failed, benign failures aside", labels),
              .continue_as_new = make_.counter("workflow_continue_as_new",
                                               "Workflows that continued as new", labels),
              .task_schedule_to_start_latency = make_.latency(
                  "workflow_task_schedule_to_start_latency",
                  "From the scheduling of a workflow task to its start", kScheduleToStart, labels),
              .task_execution_latency =
                  make_.latency("workflow_task_execution_latency",
                                "Of workflow code, replay included, for one workflow task",
                                kWorkflowTask, labels),
              .user = std::make_shared<UserMetrics>(user_, std::string(), type)})
      .first->second;
}

void WorkerMetrics::unregistered_activity(const std::string& type, const std::string& workflow_type,
                                          bool eager) {
  const bool known = activities_.contains(key_of(type, workflow_type, eager));
  make_
      .counter("unregistered_activity_invocation",
               "Activity tasks of a type that this worker has not",
               known ? activity_labels(type, workflow_type, eager)
                     : activity_labels(kOther, kOther, eager))
      .add();
}

void WorkerMetrics::workflow_task_failed(const std::string& type, std::string_view reason) {
  make_
      .counter("workflow_task_execution_failed", "Workflow tasks that failed",
               {{"workflow_type", workflows_.contains(type) ? type : kOther},
                {"failure_reason", std::string(reason)}})
      .add();
}

void WorkerMetrics::deadlock(const std::string& workflow_type) {
  make_
      .counter("supervisor_deadlocks", "Workflow tasks that held their thread for too long",
               {{"workflow_type", workflow_type}})
      .add();
}

void WorkerMetrics::determinism_violation(const char* call) {
  make_
      .counter("supervisor_determinism_violations",
               "Workflow tasks whose code called what a replay would answer differently",
               {{"call", call}})
      .add();
}

void WorkerMetrics::show(const children::PoolCounts& counts) {
  children_starting_.set(counts.starting);
  children_idle_.set(counts.idle);
  children_busy_.set(counts.busy);
  children_stopping_.set(counts.stopping);
  zygote_generation_.set(static_cast<double>(counts.zygotes));
  child_starts_.show(counts.starts);
  kills_term_.show(counts.of_children.terms);
  kills_kill_.show(counts.of_children.kills);
  child_logs_dropped_.show(counts.of_children.dropped_logs);
  child_metrics_dropped_.show(counts.of_children.dropped_metrics);
  for (const auto& [reason, total] : counts.exits)
    make_
        .counter("supervisor_child_exits", "Child processes that ended",
                 {{"reason", std::string(reason)}})
        .show(total);
}

}  // namespace temporal::supervisor
