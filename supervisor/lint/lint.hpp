// SPDX-License-Identifier: MIT
// What GCC before 13 makes wrong in a coroutine and nothing tells: found in source text, by the
// shape of it. A heuristic: it knows the types of the sources it is given, and takes what it does
// not know for dangerous. Which shapes are dangerous is pinned in tests/compiler.
#pragma once

#include <string>
#include <vector>

#include "supervisor/lint/tokens.hpp"
#include "supervisor/lint/types.hpp"

namespace temporal::supervisor::lint {

struct Finding {
  int line = 0;
  std::string sentence{};  ///< what goes wrong, and what to write instead
};

/// In the order of the lines. A comment `lint: safe` on a finding's line silences it.
[[nodiscard]] std::vector<Finding> lint(const Source& source, const Types& types);

}  // namespace temporal::supervisor::lint
