// SPDX-License-Identifier: MIT
// Escalates politely. Cancelling comes before it and is the attempt's business; here begins what needs no consent.
//
//  state     on                      →  state     and
//  unused    terminate               →  asked     SIGTERM
//  asked     term_grace is over      →  killed    SIGKILL
//  any       kill                    →  killed    SIGKILL
//  killed    10 s are over           →  lost      stuck in the kernel: nobody can do more
#pragma once

#include <chrono>

namespace temporal::supervisor::children {

/// Pure: the caller brings the clock, and sends the signals (by pidfd: a pid may be another process by now).
class KillLadder {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State { unused, asked, killed, lost };

  explicit KillLadder(Clock::duration term_grace) : term_grace_(term_grace) {}

  /// Another `term_grace`.
  void allow(Clock::duration term_grace) { term_grace_ = term_grace; }
  /// Each returns the signal to send now, or 0.
  [[nodiscard]] int terminate(Clock::time_point now);
  [[nodiscard]] int kill(Clock::time_point now);
  [[nodiscard]] int tick(Clock::time_point now);
  [[nodiscard]] State state() const { return state_; }

 private:
  Clock::duration term_grace_;
  State state_ = State::unused;
  Clock::time_point since_;
};

}  // namespace temporal::supervisor::children
