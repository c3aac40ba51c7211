// SPDX-License-Identifier: MIT
// Nobody outlives the process that made it: a zygote ends with its supervisor, a child with its
// zygote.
#pragma once

#include <sys/types.h>

namespace temporal::child {

/// From now on the kernel sends `signal` when the parent's thread that made this process ends.
/// False when the parent is not (or no longer) `parent`: then nobody will ever send it, and the
/// caller has to leave.
[[nodiscard]] bool tie_to_parent(pid_t parent, int signal) noexcept;

}  // namespace temporal::child
