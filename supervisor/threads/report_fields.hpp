// SPDX-License-Identifier: MIT
// How tasks and stacks are spelt in the log, whoever reports them.
#pragma once

#include "supervisor/threads/current_task.hpp"
#include "supervisor/threads/stacks.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// activity_type, activity_id, workflow_type, workflow_id, run_id, attempt: those that are known.
void add_task(LogFields& to, const TaskFields& task);

/// Its task, and `stack`: an array of lines, innermost first. Rules of symbols.hpp.
void add_snapshot(LogFields& to, const ThreadSnapshot& snapshot);

}  // namespace temporal::supervisor
