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
#include "temporal/memo.hpp"
#include "temporal/search_attributes.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

/// As json/plain, which is what the UI shows. Nothing for an empty one.
void set_summary(std::string_view summary, Command& command);
void set_details(std::string_view details, Command& command);

/// What starts, or starts anew, has no use for a removal: those are left out.
void set_memo(const Memo& memo, api::common::v1::Memo* proto);
void set_search_attributes(const SearchAttributes& attributes,
                           api::common::v1::SearchAttributes* proto);

/// Null: none.
[[nodiscard]] const char* fault_of(const Priority& priority);
[[nodiscard]] bool is_set(const Priority& priority);
void set_priority(const Priority& priority, api::common::v1::Priority* proto);

/// What an operation's end does to its future; one without a result has returned nothing.
[[nodiscard]] std::function<void()> succeeding(workflow::detail::PayloadFuture future,
                                               const api::common::v1::Payloads& result);

/// " at FILE:LINE"; nothing for an unknown one.
[[nodiscard]] std::string at_line(std::source_location where);
/// The code issued this command where history has that event.
[[nodiscard]] Nondeterminism mismatch(const HistoryEvent& event, const PendingCommand& pending);
/// The same in words: the command, and the line that waits for it.
[[nodiscard]] std::string describe(const PendingCommand& pending);

}  // namespace temporal::engine
