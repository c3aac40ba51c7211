// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "supervisor/workflow/events.hpp"
#include "temporal/options.hpp"
#include "temporal/workflow_interceptor.hpp"

namespace temporal::engine {

/// Throws std::invalid_argument for what the server would refuse: there it would fail the whole
/// task, again and again; here it points at the line.
void check(std::string_view type, const ChildOptions& options);

/// StartChildWorkflowExecution from what the user wrote. `id` is the one to take when the options
/// name none.
[[nodiscard]] Command child_command(const workflow::Call& call, const ChildOptions& options,
                                    const std::string& id, const std::string& own_task_queue);

}  // namespace temporal::engine
