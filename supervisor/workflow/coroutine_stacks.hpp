// SPDX-License-Identifier: MIT
// Where the coroutines of a run wait. A thread's stack shows none of this: they are not on it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temporal/trampoline.hpp"

namespace temporal::engine {

struct CoroutineFrame {
  std::string function;
  std::string file;
  std::uint32_t line;
};

/// One stack for each coroutine that waits for something other than a coroutine, the oldest first; in each the innermost first.
/// Frames of our own are left out.
[[nodiscard]] std::vector<std::vector<CoroutineFrame>> coroutine_stacks(
    const detail::Trampoline& trampoline);

}  // namespace temporal::engine
