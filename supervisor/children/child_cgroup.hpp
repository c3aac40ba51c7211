// SPDX-License-Identifier: MIT
// What the kernel counted in the cgroup (version 2) of one child: of it and what its activities started, grandchildren in sessions
// of their own included.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace temporal::supervisor::children {

struct CgroupMemory {
  bool killed = false;                    ///< for want of memory, here or in a cgroup around it
  bool reached = false;                   ///< its own limit; one around it does not count
  std::optional<std::int64_t> peak_kb{};  ///< since it was made; not before Linux 5.19
};

/// Two small files are read, which takes microseconds. Nothing when they cannot be read. What an activity did in cgroups that it made
/// in there itself is left out.
[[nodiscard]] std::optional<CgroupMemory> memory_of(const std::filesystem::path& cgroup);

}  // namespace temporal::supervisor::children
