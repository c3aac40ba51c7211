// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/command_parts.hpp"

#include <string>

#include "shared/payload_proto.hpp"
#include "temporal/payload.hpp"

namespace temporal::engine {

namespace {

void set_fields(const std::map<std::string, Payload>& fields,
                google::protobuf::Map<std::string, api::common::v1::Payload>* proto) {
  for (const auto& [name, value] : fields)
    if (value.encoding() != detail::kNull) to_proto(value, &(*proto)[name]);
}

}  // namespace

void set_summary(std::string_view summary, Command& command) {
  if (summary.empty()) return;
  to_proto(to_payload(std::string(summary)), command.mutable_user_metadata()->mutable_summary());
}

void set_details(std::string_view details, Command& command) {
  if (details.empty()) return;
  to_proto(to_payload(std::string(details)), command.mutable_user_metadata()->mutable_details());
}

void set_memo(const Memo& memo, api::common::v1::Memo* proto) {
  set_fields(memo.fields(), proto->mutable_fields());
}

void set_search_attributes(const SearchAttributes& attributes,
                           api::common::v1::SearchAttributes* proto) {
  set_fields(attributes.fields(), proto->mutable_indexed_fields());
}

const char* fault_of(const Priority& priority) {
  if (priority.key < 0) return "priority.key must not be negative";
  if (priority.fairness_weight < 0) return "priority.fairness_weight must not be negative";
  return nullptr;
}

bool is_set(const Priority& priority) {
  return priority.key != 0 || !priority.fairness_key.empty() || priority.fairness_weight != 0;
}

void set_priority(const Priority& priority, api::common::v1::Priority* proto) {
  proto->set_priority_key(priority.key);
  proto->set_fairness_key(std::string(priority.fairness_key));
  proto->set_fairness_weight(priority.fairness_weight);
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
