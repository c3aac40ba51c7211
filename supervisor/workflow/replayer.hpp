// SPDX-License-Identifier: MIT
// Replays a recorded history against the code of a module: would this code have done what history
// says?
#pragma once

#include <cstdint>
#include <string>

#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/api/history/v1/message.pb.h"
#include "temporal/module.hpp"

namespace temporal::engine {

struct ReplayResult {
  bool ok = false;
  std::string message;        ///< empty when ok; nondeterminism begins with [TMPRL1100]
  std::int64_t event_id = 0;  ///< where the code and history part; 0 when nowhere
};

/// The history may be closed or end anywhere. Nothing is sent, nothing is logged. Never throws for
/// what user code or the history do.
[[nodiscard]] ReplayResult replay(const Module& module, const api::history::v1::History& history);

}  // namespace temporal::engine
