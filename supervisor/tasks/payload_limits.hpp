// SPDX-License-Identifier: MIT
// What is too large for the server would end the workflow there, or come back refused, again and again. So it is looked for here,
// where it fails the task: corrected code can carry the run on.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace temporal::supervisor {

/// Bytes of one request that the server's gRPC port takes.
inline constexpr std::size_t kMessageLimit = 4 << 20;

/// Why this completion cannot be sent; nothing when it can. `blob_limit`: bytes of one payload, as the namespace has it.
[[nodiscard]] std::optional<engine::TaskFailure> oversized(
    const api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& completion,
    std::size_t blob_limit);

/// The server refused it as a message that is too large.
[[nodiscard]] engine::TaskFailure message_too_large(std::size_t bytes, const std::string& said);

}  // namespace temporal::supervisor
