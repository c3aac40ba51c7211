// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/child_command.hpp"

#include <google/protobuf/duration.pb.h>

#include <stdexcept>

#include "shared/options_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "temporal/api/enums/v1/task_queue.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

enums::ParentClosePolicy policy_of(ParentClose what) {
  switch (what) {
    case ParentClose::terminate:
      return enums::PARENT_CLOSE_POLICY_TERMINATE;
    case ParentClose::abandon:
      return enums::PARENT_CLOSE_POLICY_ABANDON;
    case ParentClose::request_cancel:
      return enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL;
  }
  return enums::PARENT_CLOSE_POLICY_UNSPECIFIED;
}

}  // namespace

void check(std::string_view type, const ChildOptions& options) {
  constexpr auto kZero = Duration::zero();
  const std::string what = "child workflow " + std::string(type.empty() ? "''" : type);
  const auto refuse = [&](const char* why) { throw std::invalid_argument(what + ": " + why); };
  if (type.empty()) refuse("a workflow needs a name");
  if (options.execution_timeout < kZero) refuse("execution_timeout must not be negative");
  if (options.run_timeout < kZero) refuse("run_timeout must not be negative");
  if (options.task_timeout < kZero) refuse("task_timeout must not be negative");
  if (const char* why = fault_of(options.priority)) refuse(why);
  check(options.retry, what);
}

Command child_command(const workflow::Call& call, const ChildOptions& options,
                      const std::string& id, const std::string& own_task_queue) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION);
  auto* attributes = command.mutable_start_child_workflow_execution_command_attributes();
  attributes->set_workflow_id(options.id.empty() ? id : std::string(options.id));
  attributes->mutable_workflow_type()->set_name(call.name);
  auto* queue = attributes->mutable_task_queue();
  queue->set_name(options.task_queue.empty() ? own_task_queue : std::string(options.task_queue));
  queue->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (!call.arguments.empty()) to_proto(call.arguments, attributes->mutable_input());
  if (!call.headers.empty()) to_proto(call.headers, attributes->mutable_header()->mutable_fields());
  to_proto(options.execution_timeout, attributes->mutable_workflow_execution_timeout());
  to_proto(options.run_timeout, attributes->mutable_workflow_run_timeout());
  to_proto(options.task_timeout, attributes->mutable_workflow_task_timeout());
  attributes->set_parent_close_policy(policy_of(options.parent_close));
  attributes->set_workflow_id_reuse_policy(policy_of(options.id_reuse));
  if (is_set(options.retry)) set_retry_policy(options.retry, attributes->mutable_retry_policy());
  attributes->set_cron_schedule(std::string(options.cron_schedule));
  if (options.memo) set_memo(*options.memo, attributes->mutable_memo());
  if (options.search_attributes)
    set_search_attributes(*options.search_attributes, attributes->mutable_search_attributes());
  if (is_set(options.priority)) set_priority(options.priority, attributes->mutable_priority());
  set_summary(options.summary, command);
  set_details(options.details, command);
  return command;
}

}  // namespace temporal::engine
