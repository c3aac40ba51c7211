// SPDX-License-Identifier: MIT
// How soon a lost process may be replaced. One that fails now and then is replaced at once; one that fails as fast as it is
// replaced must not take the machine with it, and a worker that cannot keep children must stop asking for tasks.
//
//              boot crash (before Ready)           task crash (after)
//  respawn     100 ms * 2^n, up to 30 s            at once, jitter up to 50 ms
//  budget      5 in 60 s, then degraded            max(5, 2 x children) in 60 s, then degraded and as boot
//  forgiven    a child became ready                a child completed a task: after each delay one is tried
#pragma once

#include <chrono>
#include <deque>
#include <random>

namespace temporal::supervisor::children {

/// Pure: the caller brings the clock.
class SpawnBudget {
 public:
  using Clock = std::chrono::steady_clock;

  explicit SpawnBudget(int children, unsigned seed = std::random_device{}());

  /// Each counts one crash, and says how long to wait before the replacement is started.
  [[nodiscard]] Clock::duration boot_crash(Clock::time_point now);
  [[nodiscard]] Clock::duration task_crash(Clock::time_point now);
  /// There are so many children now.
  void resize(int children);

  void became_ready() { boots_.clear(); }
  void completed_task() { tasks_.clear(); }

  [[nodiscard]] bool degraded(Clock::time_point now);
  /// Children do become ready: what is wrong is with their tasks.
  [[nodiscard]] bool children_start() const { return boots_.size() < kBootBudget; }

 private:
  static constexpr std::size_t kBootBudget = 5;
  std::size_t task_budget_;
  std::deque<Clock::time_point> boots_;
  std::deque<Clock::time_point> tasks_;
  std::minstd_rand random_;
};

}  // namespace temporal::supervisor::children
