// SPDX-License-Identifier: MIT
// temporal-supervisor ps | top | kill TASK | pause | resume | drain | set NAME VALUE | stack PID: finds the worker that is meant,
// asks it over its control socket, and prints what it says.
#pragma once

#include "supervisor/options.hpp"

namespace temporal::supervisor {

/// Answers go to stdout, sentences about what went wrong to stderr. Returns 0; 1 when there is no such worker, it does not answer
/// or says no; 2 when several could be meant.
[[nodiscard]] int control_command(const Options& options);

}  // namespace temporal::supervisor
