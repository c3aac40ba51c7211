// SPDX-License-Identifier: MIT
#pragma once

#include "supervisor/activity/executor.hpp"
#include "temporal/activity.hpp"

namespace temporal::supervisor {

/// What user code sees of its task. `task_queue` is the one that was polled.
[[nodiscard]] activity::Info info_of(const ActivityTask& task, const std::string& task_queue);

}  // namespace temporal::supervisor
