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

Nondeterminism mismatch(const HistoryEvent& event, const Command& command) {
  return {event.event_id(),
          "history says " + describe(event) + ", the code issued " + describe(command)};
}

}  // namespace temporal::engine
