// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/command_parts.hpp"

#include <string>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/payload.hpp"

namespace temporal::engine {

void set_summary(std::string_view summary, Command& command) {
  if (summary.empty()) return;
  to_proto(to_payload(std::string(summary)), command.mutable_user_metadata()->mutable_summary());
}

void set_details(std::string_view details, Command& command) {
  if (details.empty()) return;
  to_proto(to_payload(std::string(details)), command.mutable_user_metadata()->mutable_details());
}

std::function<void()> succeeding(workflow::detail::PayloadFuture future,
                                 const api::common::v1::Payloads& result) {
  auto payload =
      result.payloads().empty() ? detail::null_payload() : from_proto(result.payloads(0));
  return [future = std::move(future), payload = std::move(payload)]() mutable {
    future->payload = std::move(payload);
    future->succeed();
  };
}

api::failure::v1::Failure activity_failure(const std::string& id, const std::string& type,
                                           const std::string& message) {
  api::failure::v1::Failure failure;
  failure.set_message(message);
  failure.set_source(kFailureSource);
  auto* info = failure.mutable_activity_failure_info();
  info->set_activity_id(id);
  info->mutable_activity_type()->set_name(type);
  return failure;
}

std::string describe(const PendingCommand& pending) {
  return describe(pending.command) + at_line(pending.machine->awaited_at());
}

std::string at_line(std::source_location where) {
  if (where.line() == 0) return {};
  return " at " + std::string(where.file_name()) + ":" + std::to_string(where.line());
}

Nondeterminism mismatch(const HistoryEvent& event, const PendingCommand& pending) {
  return {event.event_id(),
          "history says " + describe(event) + ", the code issued " + describe(pending)};
}

}  // namespace temporal::engine
