// SPDX-License-Identifier: MIT
#include "shared/activity_info.hpp"

#include <algorithm>

#include "shared/payload_proto.hpp"

namespace temporal {

namespace {

Time time_of(std::int64_t nanoseconds) { return Time(Duration(nanoseconds)); }

// Servers write "no timeout" as years: what would overflow is never.
Time after(Time start, Duration timeout) {
  if (timeout <= Duration::zero() || Time::max() - start < timeout) return Time::max();
  return start + timeout;
}

activity::Retry retry_of(const api::common::v1::RetryPolicy& proto) {
  activity::Retry retry;
  retry.initial_interval = from_proto(proto.initial_interval());
  retry.backoff_coefficient = proto.backoff_coefficient();
  retry.maximum_interval = from_proto(proto.maximum_interval());
  retry.maximum_attempts = proto.maximum_attempts();
  retry.non_retryable.assign(proto.non_retryable_error_types().begin(),
                             proto.non_retryable_error_types().end());
  return retry;
}

}  // namespace

activity::Info info_of(const child::v1::Start& start) {
  activity::Info info;
  info.activity_id = start.activity_id();
  info.activity_type = start.activity_type();
  info.workflow_id = start.workflow_id();
  info.run_id = start.run_id();
  info.workflow_type = start.workflow_type();
  info.workflow_namespace = start.workflow_namespace();
  info.task_queue = start.task_queue();
  info.task_token = start.task_token();
  info.attempt = start.attempt();
  info.is_local = start.is_local();
  info.scheduled_time = time_of(start.scheduled_time_ns());
  info.current_attempt_scheduled_time = time_of(start.current_attempt_scheduled_time_ns());
  info.started_time = time_of(start.started_time_ns());
  info.schedule_to_close_timeout = Duration(start.schedule_to_close_timeout_ns());
  info.start_to_close_timeout = Duration(start.start_to_close_timeout_ns());
  info.heartbeat_timeout = Duration(start.heartbeat_timeout_ns());
  info.deadline = std::min(after(info.started_time, info.start_to_close_timeout),
                           after(info.scheduled_time, info.schedule_to_close_timeout));
  info.retry = retry_of(start.retry_policy());
  info.priority = {.key = start.priority().priority_key(),
                   .fairness_key = start.priority().fairness_key(),
                   .fairness_weight = start.priority().fairness_weight()};
  info.headers = from_proto(start.header().fields());
  return info;
}

}  // namespace temporal
