// SPDX-License-Identifier: MIT
// Does a child still take what is sent to it? Code that closes or replaces descriptors which it did not open takes away what wakes the
// process, and a task that is sent to it then would wait for ever. What it is doing is asked of the kernel: who is stopped, traced,
// waits for a disk or for a core is not deaf.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace temporal::supervisor::children {

/// Of one thread of a process.
struct Seen {
  char state = 'S';             ///< as ps shows it
  std::uint64_t cpu_ticks = 0;  ///< that it used so far
};
/// Asleep, where the kernel does not tell, or the process has no such thread.
[[nodiscard]] Seen look_at(pid_t pid, pid_t thread);

/// Pure: the caller brings the clock.
class Hearing {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Hearing(Clock::duration patience) : patience_(patience) {}
  void heard() {
    deaf_for_ = {};
    last_.reset();
  }
  /// Something was sent, and it is still not taken; to be told every 100 ms or so. True: it was so for all of the patience, in which
  /// it slept or worked.
  [[nodiscard]] bool unheard(Seen seen, Clock::time_point now);

 private:
  Clock::duration patience_;
  Clock::duration deaf_for_{};
  std::optional<Clock::time_point> last_;
  std::uint64_t cpu_ticks_ = 0;
};

}  // namespace temporal::supervisor::children
