// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/command_parts.hpp"

#include <string>

#include "shared/payload_proto.hpp"
#include "temporal/payload.hpp"

namespace temporal::engine {

void set_summary(std::string_view summary, Command& command) {
  if (summary.empty()) return;
  to_proto(to_payload(std::string(summary)), command.mutable_user_metadata()->mutable_summary());
}

std::string describe(const PendingCommand& pending) {
  auto text = describe(pending.command);
  const auto where = pending.machine->awaited_at();
  if (where.line() != 0)
    text += " at " + std::string(where.file_name()) + ":" + std::to_string(where.line());
  return text;
}

Nondeterminism mismatch(const HistoryEvent& event, const PendingCommand& pending) {
  return {event.event_id(),
          "history says " + describe(event) + ", the code issued " + describe(pending)};
}

}  // namespace temporal::engine
