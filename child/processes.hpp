// SPDX-License-Identifier: MIT
// What a process can learn of itself and its own children from /proc.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace temporal::child {

/// Pids of all children of the calling thread, zombies included. Empty where the kernel does not
/// list them.
[[nodiscard]] std::vector<pid_t> own_children();

/// 0 when it cannot be told.
[[nodiscard]] int own_thread_count();
/// Names of all threads but the calling one, comma-separated.
[[nodiscard]] std::string other_threads();

/// Descriptors above stderr, ascending.
[[nodiscard]] std::vector<int> open_descriptors();
/// Closes everything above stderr that is not in `keep` (ascending).
void close_all_but(const std::vector<int>& keep);

/// Of this process: 0 to 1000, the more the sooner the kernel takes it when memory runs out. False: it may not.
[[nodiscard]] bool set_oom_score_adj(int value);
/// Up to 1000. Returns what it was; nothing when it may not.
std::optional<int> add_oom_score_adj(int more);

}  // namespace temporal::child
