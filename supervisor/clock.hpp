// SPDX-License-Identifier: MIT
// Time that passes on the core loop. What waits for minutes takes its clock from outside: a test
// brings one that stands still until it is told to move.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "supervisor/wakeup.hpp"

namespace temporal::supervisor {

class Clock {
 public:
  using Duration = std::chrono::steady_clock::duration;
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// Lets `duration` pass. Throws operation_aborted when the waiting coroutine is cancelled.
  virtual boost::asio::awaitable<void> pause(Duration duration) = 0;
};

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  boost::asio::awaitable<void> pause(Duration duration) override {
    return supervisor::pause(duration);
  }
};

inline Clock& steady_clock() {
  static SteadyClock clock;
  return clock;
}

}  // namespace temporal::supervisor
