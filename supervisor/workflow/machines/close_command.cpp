// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/close_command.hpp"

#include <google/protobuf/duration.pb.h>

#include "shared/failure_proto.hpp"
#include "shared/options_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "supervisor/workflow/patch_marker.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

using ContinueAttributes = api::command::v1::ContinueAsNewWorkflowExecutionCommandAttributes;

void set_retry(const workflow::detail::ContinueAsNew& next, const api::common::v1::RetryPolicy* own,
               ContinueAttributes& attributes) {
  if (!is_set(next.retry) && next.non_retryable.empty()) {
    if (own) *attributes.mutable_retry_policy() = *own;
    return;
  }
  auto* policy = attributes.mutable_retry_policy();
  set_retry_policy(next.retry, policy);
  for (const auto& name : next.non_retryable) policy->add_non_retryable_error_types(name);
}

}  // namespace

Command complete_command(const Payload& result) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
  auto* attributes = command.mutable_complete_workflow_execution_command_attributes();
  to_proto(result, attributes->mutable_result()->add_payloads());
  return command;
}

Command fail_command(std::exception_ptr error) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
  to_failure_proto(error,
                   command.mutable_fail_workflow_execution_command_attributes()->mutable_failure());
  return command;
}

Command cancel_command(const Failure& failure) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION);
  auto* attributes = command.mutable_cancel_workflow_execution_command_attributes();
  const Failure* cause = &failure;
  while (cause->cause()) cause = cause->cause().get();
  if (auto* cancelled = dynamic_cast<const Cancelled*>(cause);
      cancelled && !cancelled->details().empty())
    to_proto(cancelled->details(), attributes->mutable_details());
  return command;
}

Command continue_command(const workflow::detail::ContinueAsNew& next, const workflow::Info& info,
                         const api::common::v1::RetryPolicy* retry) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
  auto* attributes = command.mutable_continue_as_new_workflow_execution_command_attributes();
  attributes->mutable_workflow_type()->set_name(next.call.name);
  auto* queue = attributes->mutable_task_queue();
  queue->set_name(next.task_queue.empty() ? info.task_queue : next.task_queue);
  queue->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (!next.call.arguments.empty()) to_proto(next.call.arguments, attributes->mutable_input());
  if (!next.call.headers.empty())
    to_proto(next.call.headers, attributes->mutable_header()->mutable_fields());
  const auto chosen = [](Duration wanted, Duration own) {
    return wanted > Duration::zero() ? wanted : own;
  };
  to_proto(chosen(next.run_timeout, info.run_timeout), attributes->mutable_workflow_run_timeout());
  to_proto(chosen(next.task_timeout, info.task_timeout),
           attributes->mutable_workflow_task_timeout());
  if (next.start_delay > Duration::zero())
    to_proto(next.start_delay, attributes->mutable_backoff_start_interval());
  attributes->set_initial_versioning_behavior(
      static_cast<enums::ContinueAsNewVersioningBehavior>(next.version));
  set_retry(next, retry, *attributes);
  if (const auto& memo = next.memo ? *next.memo : info.memo; !memo.empty())
    set_memo(memo, attributes->mutable_memo());
  if (const auto& own = next.search_attributes ? *next.search_attributes : info.search_attributes;
      !own.empty())
    set_search_attributes(own, attributes->mutable_search_attributes());
  // The next run asks for its patches itself.
  attributes->mutable_search_attributes()->mutable_indexed_fields()->erase(kChangeVersion);
  return command;
}

}  // namespace temporal::engine
