// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "supervisor/workflow/events.hpp"
#include "temporal/options.hpp"
#include "temporal/workflow_interceptor.hpp"

namespace temporal::engine {

/// ScheduleActivityTask from what the user wrote. Throws std::invalid_argument for what the server
/// would refuse: there it would fail the whole task, again and again; here it points at the line.
[[nodiscard]] Command activity_command(const workflow::Call& call, const ActivityOptions& options,
                                       std::uint32_t seq, const std::string& own_task_queue);

}  // namespace temporal::engine
