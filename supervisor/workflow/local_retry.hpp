// SPDX-License-Identifier: MIT
// Is a local activity tried again, and when? The server's rules for activities, without its jitter.
#pragma once

#include <optional>

#include "supervisor/workflow/local_call.hpp"
#include "temporal/api/enums/v1/workflow.pb.h"

namespace temporal::engine {

/// What is left open gets the server's defaults: 1 s, 2.0, 100 x initial.
void complete_retry_policy(api::common::v1::RetryPolicy& retry);

struct RetryDecision {
  /// None: it is not tried again.
  std::optional<Duration> delay{};
  /// Why not.
  api::enums::v1::RetryState state = api::enums::v1::RETRY_STATE_IN_PROGRESS;
};

/// `attempt` of `call` ended with `failure`, `now`. `scheduled`: of the first attempt.
[[nodiscard]] RetryDecision decide_retry(const LocalCall& call, int attempt,
                                         const api::failure::v1::Failure& failure, Time scheduled,
                                         Time now);

}  // namespace temporal::engine
