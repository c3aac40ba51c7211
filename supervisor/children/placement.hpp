// SPDX-License-Identifier: MIT
// Which core a child is bound to, where children are: that with the fewest of them, so that there is one for each core, and none
// has to share before all are taken.
#pragma once

#include <span>
#include <vector>

namespace temporal::supervisor::children {

/// What this process may run on, ascending; empty when the system does not say.
[[nodiscard]] std::vector<int> allowed_cores();

/// `taken`: the cores of the children there are, each once for each child. -1: there is none to choose from.
[[nodiscard]] int least_taken(std::span<const int> cores, std::span<const int> taken);

}  // namespace temporal::supervisor::children
