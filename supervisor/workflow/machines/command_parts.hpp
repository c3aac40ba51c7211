// SPDX-License-Identifier: MIT
// What several kinds of commands have in common.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/events.hpp"
#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/workflow.hpp"

namespace temporal::engine {

/// As json/plain, which is what the UI shows. Nothing for an empty one.
void set_summary(std::string_view summary, Command& command);
void set_details(std::string_view details, Command& command);

/// What an operation's end does to its future; one without a result has returned nothing.
[[nodiscard]] std::function<void()> succeeding(workflow::detail::PayloadFuture future,
                                               const api::common::v1::Payloads& result);

/// As code gets it from any activity; what caused it, and why it was not tried again, are to be added.
[[nodiscard]] api::failure::v1::Failure activity_failure(const std::string& id,
                                                         const std::string& type,
                                                         const std::string& message);

/// " at FILE:LINE"; nothing for an unknown one.
[[nodiscard]] std::string at_line(std::source_location where);
/// The code issued this command where history has that event.
[[nodiscard]] Nondeterminism mismatch(const HistoryEvent& event, const PendingCommand& pending);
/// The same in words: the command, and the line that waits for it.
[[nodiscard]] std::string describe(const PendingCommand& pending);

}  // namespace temporal::engine
