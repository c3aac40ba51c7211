// SPDX-License-Identifier: MIT
// A child's own cgroup, where one was handed down to the worker. Entering one takes the kernel milliseconds, and a limit may take it
// longer, so each child does both for itself.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace temporal::child {

/// Makes this cgroup (version 2), in which whoever is killed for want of memory is killed with all others, and moves this process
/// into it. Returns a sentence that says what failed; empty: it is there.
[[nodiscard]] std::string enter_cgroup(const std::filesystem::path& folder);

/// From now on this process and those it has started may take so many bytes more than they have, swap included, in their `cgroup`;
/// 0: as many as there are. What is cached of files is nobody's. Cached files may have to go for it: that takes this process its
/// time, and no other. False: the system refuses.
[[nodiscard]] bool limit_memory(const std::filesystem::path& cgroup, std::size_t bytes);

}  // namespace temporal::child
