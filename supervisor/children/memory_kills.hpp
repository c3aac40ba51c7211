// SPDX-License-Identifier: MIT
// Was it the kernel that ended a child, because the memory of its cgroup was full? Signal 9 alone does not say; the cgroup counts
// such kills (`oom_kill` of memory.events, or of memory.oom_control where cgroups are of version 1).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace temporal::supervisor::children {

/// Thread rule: core loop only.
class MemoryKills {
 public:
  using Clock = std::chrono::steady_clock;

  /// `counter`: a file with a line `oom_kill N`. Default: that of this process's cgroup, which children share. Where there is
  /// none, nothing is known.
  explicit MemoryKills(std::filesystem::path counter = own_counter());

  /// There was one that nobody has claimed yet, and now it is the caller's. The kernel counts before it kills.
  [[nodiscard]] bool claim();
  /// To be called now and then: what no child has claimed for 2 s was another process's.
  void forget_old(Clock::time_point now);

 private:
  [[nodiscard]] static std::filesystem::path own_counter();
  [[nodiscard]] std::uint64_t count() const;

  std::filesystem::path counter_;
  std::uint64_t claimed_ = 0;
  std::uint64_t last_ = 0;
  Clock::time_point changed_{};
};

}  // namespace temporal::supervisor::children
