// SPDX-License-Identifier: MIT
// Was it the kernel that ended a child, for want of memory? Signal 9 alone does not say; the cgroup counts such kills (`oom_kill`
// of memory.events, or of memory.oom_control where cgroups are of version 1).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace temporal::supervisor::children {

/// Thread rule: core loop only.
class MemoryKills {
 public:
  using Clock = std::chrono::steady_clock;

  /// `counter`: a file with a line `oom_kill N`. Default: that of this process's cgroup, which children share. Where there is
  /// none, nothing is known. All of one counter know of each other's claims.
  explicit MemoryKills(const std::filesystem::path& counter = own_counter());

  /// There was one that nobody has claimed yet, and now it is the caller's. The kernel counts before it kills.
  [[nodiscard]] bool claim();
  /// To be called now and then while children work: what none of them has claimed for 2 s was another process's, and so is what
  /// came while nobody looked.
  void look(Clock::time_point now);

 private:
  struct Known {
    std::filesystem::path counter;
    std::uint64_t claimed = 0;
    std::uint64_t last = 0;
    Clock::time_point changed{};
    Clock::time_point looked{};
  };
  [[nodiscard]] static std::filesystem::path own_counter();
  [[nodiscard]] static std::shared_ptr<Known> known_of(const std::filesystem::path& counter);

  std::shared_ptr<Known> known_;
};

}  // namespace temporal::supervisor::children
