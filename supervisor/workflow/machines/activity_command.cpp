// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/activity_command.hpp"

#include <google/protobuf/duration.pb.h>

#include <stdexcept>

#include "shared/options_proto.hpp"
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

void check_options(std::string_view type, const ActivityOptions& options) {
  constexpr auto kZero = Duration::zero();
  if (type.empty()) refuse("''", "an activity needs a name");
  if (options.start_to_close_timeout == kZero && options.schedule_to_close_timeout == kZero)
    refuse(type, "set start_to_close_timeout or schedule_to_close_timeout");
  if (options.start_to_close_timeout < kZero || options.schedule_to_close_timeout < kZero ||
      options.schedule_to_start_timeout < kZero || options.heartbeat_timeout < kZero)
    refuse(type, "a timeout must not be negative");
  if (const char* why = fault_of(options.priority)) refuse(type, why);
  check(options.retry, "activity " + std::string(type));
}

}  // namespace

Command activity_command(const workflow::Call& call, const ActivityOptions& options,
                         std::uint32_t seq, const std::string& own_task_queue) {
  check_options(call.name, options);
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto* attributes = command.mutable_schedule_activity_task_command_attributes();
  attributes->set_activity_id(options.id.empty() ? std::to_string(seq) : std::string(options.id));
  attributes->mutable_activity_type()->set_name(call.name);
  auto* queue = attributes->mutable_task_queue();
  queue->set_name(options.task_queue.empty() ? own_task_queue : std::string(options.task_queue));
  queue->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (!call.arguments.empty()) to_proto(call.arguments, attributes->mutable_input());
  if (!call.headers.empty()) to_proto(call.headers, attributes->mutable_header()->mutable_fields());
  to_proto(options.schedule_to_close_timeout, attributes->mutable_schedule_to_close_timeout());
  to_proto(options.schedule_to_start_timeout, attributes->mutable_schedule_to_start_timeout());
  to_proto(options.start_to_close_timeout, attributes->mutable_start_to_close_timeout());
  to_proto(options.heartbeat_timeout, attributes->mutable_heartbeat_timeout());
  if (is_set(options.retry)) set_retry_policy(options.retry, attributes->mutable_retry_policy());
  // A wish: who sends the command knows whether a place is free.
  attributes->set_request_eager_execution(options.eager && queue->name() == own_task_queue);
  if (is_set(options.priority)) set_priority(options.priority, attributes->mutable_priority());
  set_summary(options.summary, command);
  return command;
}

}  // namespace temporal::engine
