// SPDX-License-Identifier: MIT
// What several kinds of commands have in common.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/events.hpp"
#include "supervisor/workflow/machines/machine.hpp"

namespace temporal::engine {

/// As json/plain, which is what the UI shows. Nothing for an empty one.
void set_summary(std::string_view summary, Command& command);

/// The code issued this command where history has that event.
[[nodiscard]] Nondeterminism mismatch(const HistoryEvent& event, const PendingCommand& pending);
/// The same in words: the command, and the line that waits for it.
[[nodiscard]] std::string describe(const PendingCommand& pending);

}  // namespace temporal::engine
