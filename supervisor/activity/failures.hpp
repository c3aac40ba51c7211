// SPDX-License-Identifier: MIT
// What the server takes as the failure of an activity: application failures only, and no more bytes
// than it allows. What is refused for its size is never answered for, so it is made smaller first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/failure/v1/message.pb.h"

namespace temporal::supervisor {

[[nodiscard]] api::failure::v1::Failure application_failure(std::string_view type,
                                                            std::string message,
                                                            bool non_retryable = false);

/// What else was thrown (a TimeoutError of a call it made, say) becomes the cause of one.
[[nodiscard]] api::failure::v1::Failure as_application_failure(api::failure::v1::Failure thrown);

/// Takes the details out of `failure` and its causes, and says so in its message. False: there were
/// none.
bool leave_out_details(api::failure::v1::Failure& failure);
/// The same for what a cancellation carries: the sentence takes its place.
void leave_out_details(api::common::v1::Payloads& details);

}  // namespace temporal::supervisor
