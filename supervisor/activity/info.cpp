// SPDX-License-Identifier: MIT
#include "supervisor/activity/info.hpp"

#include "shared/payload_proto.hpp"

namespace temporal::supervisor {

activity::Info info_of(const ActivityTask& task, const std::string& task_queue) {
  activity::Info info;
  info.activity_id = task.activity_id();
  info.activity_type = task.activity_type().name();
  info.workflow_id = task.workflow_execution().workflow_id();
  info.run_id = task.workflow_execution().run_id();
  info.workflow_type = task.workflow_type().name();
  info.workflow_namespace = task.workflow_namespace();
  info.task_queue = task_queue;
  info.task_token = task.task_token();
  info.attempt = task.attempt();
  info.scheduled_time = from_proto(task.scheduled_time());
  info.current_attempt_scheduled_time = from_proto(task.current_attempt_scheduled_time());
  info.started_time = from_proto(task.started_time());
  info.schedule_to_close_timeout = from_proto(task.schedule_to_close_timeout());
  info.start_to_close_timeout = from_proto(task.start_to_close_timeout());
  info.heartbeat_timeout = from_proto(task.heartbeat_timeout());
  info.headers = from_proto(task.header().fields());
  return info;
}

}  // namespace temporal::supervisor
