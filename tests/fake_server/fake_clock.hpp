// SPDX-License-Identifier: MIT
// A clock that stands still until it is moved, and then stops at every moment somebody waits for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <set>

#include "supervisor/clock.hpp"

namespace temporal::test {

/// Runs what can run now, to the last handler; waits for nothing.
inline void settle(boost::asio::io_context& loop) {
  loop.restart();
  while (loop.poll() > 0) loop.restart();
}

/// Thread rule: the loop's.
class FakeClock final : public supervisor::Clock {
 public:
  explicit FakeClock(boost::asio::io_context& loop) : loop_(loop), moved_(loop.get_executor()) {}

  [[nodiscard]] TimePoint now() const override { return now_; }
  boost::asio::awaitable<void> pause(Duration duration) override {
    const auto until = now_ + duration;
    struct Waiting {
      std::multiset<TimePoint>& all;
      std::multiset<TimePoint>::iterator mine;
      ~Waiting() { all.erase(mine); }
    };
    const Waiting waiting{waited_for_, waited_for_.insert(until)};
    while (now_ < until) co_await moved_.wait();
  }

  void advance(Duration duration) {
    const auto target = now_ + duration;
    settle(loop_);
    for (;;) {
      const auto next = waited_for_.upper_bound(now_);
      if (next == waited_for_.end() || *next > target) break;
      move_to(*next);
    }
    move_to(target);
  }

 private:
  void move_to(TimePoint time) {
    now_ = time;
    moved_.notify();
    settle(loop_);
  }

  boost::asio::io_context& loop_;
  TimePoint now_{std::chrono::hours(1000)};
  std::multiset<TimePoint> waited_for_;
  supervisor::Wakeup moved_;
};

}  // namespace temporal::test
