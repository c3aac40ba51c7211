// SPDX-License-Identifier: MIT
// What kinds of events there are, and how messages speak of events and commands.
#pragma once

#include <cstdint>
#include <string>

#include "temporal/api/command/v1/message.pb.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/history/v1/message.pb.h"

namespace temporal::engine {

using api::command::v1::Command;
using api::enums::v1::EventType;
using api::history::v1::HistoryEvent;

/// Written because of a command of a workflow task.
[[nodiscard]] bool is_command_event(EventType type);
/// The last event of a run.
[[nodiscard]] bool is_terminal_event(EventType type);
/// A workflow task whose STARTED is followed by this one did not count.
[[nodiscard]] bool undoes_started(EventType type);
/// The event that began the operation this one belongs to; 0 for events that belong to none.
[[nodiscard]] std::int64_t initiating_event_id(const HistoryEvent& event);
/// The event a command becomes. Unspecified for commands this engine never issues.
[[nodiscard]] EventType event_of(api::enums::v1::CommandType type);

/// "ActivityTaskScheduled"; "type 4711" when this worker's protos do not know it.
[[nodiscard]] std::string event_name(EventType type);
/// "ActivityTaskScheduled (activity id '1', type 'charge')"
[[nodiscard]] std::string describe(const HistoryEvent& event);
/// "ScheduleActivityTask (activity id '1', type 'charge')"
[[nodiscard]] std::string describe(const Command& command);

}  // namespace temporal::engine
