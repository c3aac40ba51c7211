// SPDX-License-Identifier: MIT
// What options become in a request or in a command: the same for who starts something from outside and from a workflow.
#pragma once

#include <string>

#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/memo.hpp"
#include "temporal/options.hpp"
#include "temporal/search_attributes.hpp"

namespace temporal {

/// Throws std::invalid_argument, with `what` before it, for what the server would refuse.
void check(const RetryPolicy& retry, const std::string& what);
/// Anything is set at all.
[[nodiscard]] bool is_set(const RetryPolicy& retry);
/// Unset fields stay unset: the server has defaults for each.
void set_retry_policy(const RetryPolicy& retry, api::common::v1::RetryPolicy* proto);

/// Null: none.
[[nodiscard]] const char* fault_of(const Priority& priority);
[[nodiscard]] bool is_set(const Priority& priority);
void set_priority(const Priority& priority, api::common::v1::Priority* proto);

/// What starts, or starts anew, has no use for a removal: those are left out.
void set_memo(const Memo& memo, api::common::v1::Memo* proto);
void set_search_attributes(const SearchAttributes& attributes,
                           api::common::v1::SearchAttributes* proto);

[[nodiscard]] api::enums::v1::WorkflowIdReusePolicy policy_of(IdReuse reuse);
[[nodiscard]] api::enums::v1::WorkflowIdConflictPolicy policy_of(IdConflict conflict);

}  // namespace temporal
