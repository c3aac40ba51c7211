// SPDX-License-Identifier: MIT
// How many tasks may be started per second? A bucket that fills at that rate and holds one second's
// worth, at least one: what was not used is no licence for a storm later.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>

#include "supervisor/clock.hpp"

namespace temporal::supervisor {

/// Thread rule: core loop only.
class RateLimit {
 public:
  /// `per_second` 0: no limit. `clock` outlives this.
  RateLimit(double per_second, Clock& clock)
      : per_second_(per_second), most_(std::max(per_second, 1.0)), clock_(clock) {}

  /// Waits for one token. Throws operation_aborted when the waiting coroutine is cancelled.
  boost::asio::awaitable<void> acquire() {
    if (per_second_ <= 0) co_return;
    for (;;) {
      fill();
      if (tokens_ >= 1) break;
      const std::chrono::duration<double> missing((1 - tokens_) / per_second_);
      co_await clock_.pause(std::chrono::ceil<Clock::Duration>(missing));
    }
    tokens_ -= 1;
  }
  /// A poll came back empty.
  void give_back() noexcept { tokens_ = std::min(tokens_ + 1, most_); }

 private:
  void fill() {
    const auto now = clock_.now();
    const std::chrono::duration<double> passed(now - filled_);
    filled_ = now;
    tokens_ = std::min(tokens_ + passed.count() * per_second_, most_);
  }

  double per_second_;
  double most_;
  Clock& clock_;
  double tokens_ = most_;
  Clock::TimePoint filled_ = clock_.now();
};

}  // namespace temporal::supervisor
