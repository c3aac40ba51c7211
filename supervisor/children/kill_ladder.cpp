// SPDX-License-Identifier: MIT
#include "supervisor/children/kill_ladder.hpp"

#include <csignal>

namespace temporal::supervisor::children {

namespace {
constexpr auto kStuck = std::chrono::seconds(10);
}

int KillLadder::terminate(Clock::time_point now) {
  if (state_ != State::unused) return 0;
  state_ = State::asked;
  since_ = now;
  return SIGTERM;
}

int KillLadder::kill(Clock::time_point now) {
  if (state_ == State::killed || state_ == State::lost) return 0;
  state_ = State::killed;
  since_ = now;
  return SIGKILL;
}

int KillLadder::tick(Clock::time_point now) {
  if (state_ == State::asked && now - since_ >= term_grace_) return kill(now);
  if (state_ == State::killed && now - since_ >= kStuck) state_ = State::lost;
  return 0;
}

}  // namespace temporal::supervisor::children
