// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "temporal/api/common/v1/message.pb.h"
#include "temporal/options.hpp"

namespace temporal::engine {

/// Throws std::invalid_argument, with `what` before it, for what the server would refuse.
void check(const RetryPolicy& retry, const std::string& what);
/// Anything is set at all.
[[nodiscard]] bool is_set(const RetryPolicy& retry);
/// Unset fields stay unset: the server has defaults for each.
void set_retry_policy(const RetryPolicy& retry, api::common::v1::RetryPolicy* proto);

}  // namespace temporal::engine
