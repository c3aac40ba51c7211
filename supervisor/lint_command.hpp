// SPDX-License-Identifier: MIT
// temporal-supervisor lint FILE...: is there something in these sources that GCC before 13 makes wrong without a word?
#pragma once

#include "supervisor/options.hpp"

namespace temporal::supervisor {

/// One line per finding on stdout, FILE:LINE and what to write instead. Headers that a file includes by a path between quotes are
/// read too, for their types. Returns 0 when there is none, 1 when there is one, 2 when a file cannot be read.
[[nodiscard]] int lint_command(const Options& options);

}  // namespace temporal::supervisor
