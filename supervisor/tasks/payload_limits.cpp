// SPDX-License-Identifier: MIT
#include "supervisor/tasks/payload_limits.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <vector>

#include "supervisor/tasks/task_failures.hpp"
#include "supervisor/workflow/events.hpp"

namespace temporal::supervisor {

namespace enums = api::enums::v1;
using google::protobuf::Message;

namespace {

constexpr const char* kNext = "; store it elsewhere and pass its address";

// Payloads are in many kinds of commands, at many depths.
std::size_t largest_payload(const Message& message) {
  if (message.GetDescriptor() == api::common::v1::Payload::descriptor())
    return message.ByteSizeLong();
  std::size_t largest = 0;
  const auto& look = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  look.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      largest = std::max(largest, largest_payload(look.GetMessage(message, field)));
      continue;
    }
    for (int i = 0; i < look.FieldSize(message, field); ++i)
      largest = std::max(largest, largest_payload(look.GetRepeatedMessage(message, field, i)));
  }
  return largest;
}

}  // namespace

engine::TaskFailure message_too_large(std::size_t bytes, const std::string& said) {
  return task_failure(enums::WORKFLOW_TASK_FAILED_CAUSE_GRPC_MESSAGE_TOO_LARGE, "MessageTooLarge",
                      "the commands of this workflow task take " + std::to_string(bytes) +
                          " bytes, more than the server takes at once (" + said +
                          "): ask for less in one task, or store large values elsewhere");
}

std::optional<engine::TaskFailure> oversized(
    const api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& completion,
    std::size_t blob_limit) {
  const auto bytes = completion.ByteSizeLong();
  if (bytes <= std::min(blob_limit, kMessageLimit)) return std::nullopt;
  for (const auto& command : completion.commands()) {
    const auto largest = largest_payload(command);
    if (largest > blob_limit)
      return task_failure(enums::WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE, "PayloadTooLarge",
                          engine::describe(command) + " has a payload of " +
                              std::to_string(largest) + " bytes, the server takes " +
                              std::to_string(blob_limit) + kNext);
  }
  if (bytes > kMessageLimit)
    return message_too_large(bytes, std::to_string(kMessageLimit) + " bytes");
  return std::nullopt;
}

}  // namespace temporal::supervisor
