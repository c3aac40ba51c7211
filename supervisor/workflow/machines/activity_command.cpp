// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/activity_command.hpp"

#include <google/protobuf/duration.pb.h>

#include <stdexcept>

#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/enums/v1/task_queue.pb.h"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

[[noreturn]] void refuse(std::string_view type, const char* why) {
  throw std::invalid_argument("activity " + std::string(type) + ": " + why);
}

void check(std::string_view type, const ActivityOptions& options) {
  constexpr auto kZero = Duration::zero();
  if (type.empty()) refuse("''", "an activity needs a name");
  if (options.start_to_close_timeout == kZero && options.schedule_to_close_timeout == kZero)
    refuse(type, "set start_to_close_timeout or schedule_to_close_timeout");
  if (options.start_to_close_timeout < kZero || options.schedule_to_close_timeout < kZero ||
      options.schedule_to_start_timeout < kZero || options.heartbeat_timeout < kZero)
    refuse(type, "a timeout must not be negative");
  const auto& retry = options.retry;
  if (retry.initial_interval < kZero || retry.maximum_interval < kZero)
    refuse(type, "a retry interval must not be negative");
  if (retry.maximum_attempts < 0) refuse(type, "maximum_attempts must not be negative");
  if (retry.backoff_coefficient != 0 && !(retry.backoff_coefficient >= 1))
    refuse(type, "backoff_coefficient must be at least 1");
  if (retry.maximum_interval > kZero && retry.maximum_interval < retry.initial_interval)
    refuse(type, "maximum_interval must not be shorter than initial_interval");
}

bool is_set(const RetryPolicy& retry) {
  return retry.initial_interval > Duration::zero() || retry.backoff_coefficient != 0 ||
         retry.maximum_interval > Duration::zero() || retry.maximum_attempts != 0 ||
         retry.non_retryable.count != 0;
}

// Unset fields stay unset: the server has defaults for each.
void fill(const RetryPolicy& retry, api::common::v1::RetryPolicy* proto) {
  if (retry.initial_interval > Duration::zero())
    to_proto(retry.initial_interval, proto->mutable_initial_interval());
  proto->set_backoff_coefficient(retry.backoff_coefficient);
  if (retry.maximum_interval > Duration::zero())
    to_proto(retry.maximum_interval, proto->mutable_maximum_interval());
  proto->set_maximum_attempts(retry.maximum_attempts);
  for (std::size_t i = 0; i < retry.non_retryable.count; ++i)
    proto->add_non_retryable_error_types(std::string(retry.non_retryable.names[i]));
}

}  // namespace

Command activity_command(std::string_view type, const Payloads& arguments,
                         const ActivityOptions& options, std::uint32_t seq,
                         const std::string& own_task_queue) {
  check(type, options);
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto* attributes = command.mutable_schedule_activity_task_command_attributes();
  attributes->set_activity_id(options.id.empty() ? std::to_string(seq) : std::string(options.id));
  attributes->mutable_activity_type()->set_name(std::string(type));
  auto* queue = attributes->mutable_task_queue();
  queue->set_name(options.task_queue.empty() ? own_task_queue : std::string(options.task_queue));
  queue->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (!arguments.empty()) to_proto(arguments, attributes->mutable_input());
  to_proto(options.schedule_to_close_timeout, attributes->mutable_schedule_to_close_timeout());
  to_proto(options.schedule_to_start_timeout, attributes->mutable_schedule_to_start_timeout());
  to_proto(options.start_to_close_timeout, attributes->mutable_start_to_close_timeout());
  to_proto(options.heartbeat_timeout, attributes->mutable_heartbeat_timeout());
  if (is_set(options.retry)) fill(options.retry, attributes->mutable_retry_policy());
  set_summary(options.summary, command);
  return command;
}

}  // namespace temporal::engine
