// SPDX-License-Identifier: MIT
// When a child is to make room for a fresh one: code that leaks must not be able to take the machine with it. It leaves between
// two tasks, so no task notices.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>

namespace temporal::supervisor::children {

/// The most of each; 0: no bound.
struct Recycling {
  int max_tasks = 0;
  std::chrono::milliseconds max_age{0};
  std::size_t max_rss =
      0;  ///< bytes that are resident after a task, those shared with others included
};

/// Of one child. Its bounds are up to 15 % below those that were asked for, so that children that were born together do not
/// leave together.
class Lifespan {
 public:
  using Clock = std::chrono::steady_clock;

  Lifespan(const Recycling& most, Clock::time_point born, std::minstd_rand& random);

  void task_done() noexcept { ++tasks_; }
  void ran_out_of_memory() noexcept { out_of_memory_ = true; }
  /// A task changed what cannot be taken back.
  void wore_out() noexcept { worn_ = true; }
  /// Why it should leave: "tasks", "age", "memory" or "limits"; empty: it may stay. Asks the kernel only when memory is bounded.
  [[nodiscard]] std::string_view over(Clock::time_point now, pid_t pid) const;
  /// When its age alone makes it leave; the end of time when that is not bounded.
  [[nodiscard]] Clock::time_point ends() const noexcept { return ends_; }

 private:
  int tasks_ = 0;
  bool out_of_memory_ = false;
  bool worn_ = false;
  int max_tasks_;
  std::size_t max_rss_;
  Clock::time_point ends_;
};

/// 0 when there is no such process.
[[nodiscard]] std::size_t resident_bytes(pid_t pid);

}  // namespace temporal::supervisor::children
