// SPDX-License-Identifier: MIT
#include "supervisor/activity/start.hpp"

#include "shared/payload_proto.hpp"

namespace temporal::supervisor {

namespace {
constexpr std::size_t kLongest = 8 * 1024;
}

child::v1::Start start_of(const ActivityTask& task, const std::string& task_queue, bool local) {
  child::v1::Start start;
  start.set_activity_type(task.activity_type().name());
  *start.mutable_input() = task.input();
  if (task.has_heartbeat_details()) *start.mutable_heartbeat_details() = task.heartbeat_details();
  *start.mutable_header() = task.header();
  start.set_activity_id(task.activity_id());
  start.set_workflow_id(task.workflow_execution().workflow_id());
  start.set_run_id(task.workflow_execution().run_id());
  start.set_workflow_type(task.workflow_type().name());
  start.set_workflow_namespace(task.workflow_namespace());
  start.set_task_queue(task_queue);
  start.set_task_token(task.task_token());
  start.set_attempt(task.attempt());
  start.set_is_local(local);
  const auto since_epoch = [](const auto& stamp) {
    return from_proto(stamp).time_since_epoch().count();
  };
  start.set_scheduled_time_ns(since_epoch(task.scheduled_time()));
  start.set_current_attempt_scheduled_time_ns(since_epoch(task.current_attempt_scheduled_time()));
  start.set_started_time_ns(since_epoch(task.started_time()));
  start.set_schedule_to_close_timeout_ns(from_proto(task.schedule_to_close_timeout()).count());
  start.set_start_to_close_timeout_ns(from_proto(task.start_to_close_timeout()).count());
  start.set_heartbeat_timeout_ns(from_proto(task.heartbeat_timeout()).count());
  if (task.has_retry_policy()) *start.mutable_retry_policy() = task.retry_policy();
  if (task.has_priority()) *start.mutable_priority() = task.priority();
  return start;
}

LogFields ids_of(const child::v1::Start& start) {
  return {{"activity_type", start.activity_type()},
          {"activity_id", start.activity_id()},
          {"workflow_type", start.workflow_type()},
          {"workflow_id", start.workflow_id()},
          {"run_id", start.run_id()},
          {"attempt", start.attempt()},
          {"task_queue", start.task_queue()},
          {"namespace", start.workflow_namespace()}};
}

void TaskLog::write(LogLevel level, std::string_view message, const LogFields& fields) {
  auto line = ids_;
  if (fields.is_object() && !fields.empty()) {
    const auto bytes = fields.dump(-1, ' ', false, LogFields::error_handler_t::replace).size();
    if (bytes <= kLongest)
      line.update(fields);
    else
      line["left_out"] = std::to_string(bytes) + " bytes of fields: a line takes 8 KiB of them";
  }
  to_.write(level, message.substr(0, kLongest), line);
}

}  // namespace temporal::supervisor
