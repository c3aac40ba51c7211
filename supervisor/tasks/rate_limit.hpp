// SPDX-License-Identifier: MIT
// How many tasks may be started per second? A bucket that fills at that rate and holds one second's
// worth, at least one: what was not used is no licence for a storm later. A poll is open for a
// minute and holds its token all the while; the bucket does not fill up behind it.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <utility>

#include "supervisor/clock.hpp"
#include "supervisor/wakeup.hpp"

namespace temporal::supervisor {

/// Thread rule: core loop only.
class RateLimit {
 public:
  /// The right to start one task. Not spent, it goes back into the bucket. Must not outlive it.
  class [[nodiscard]] Token {
   public:
    explicit Token(RateLimit* from) noexcept : from_(from) {}
    Token(Token&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    Token& operator=(Token&&) = delete;
    ~Token() { leave(1); }
    void spend() noexcept { leave(0); }

   private:
    void leave(int unspent) noexcept {
      if (auto* from = std::exchange(from_, nullptr)) from->take_back(unspent);
    }
    RateLimit* from_;
  };

  /// `per_second` 0: no limit. `clock` outlives this.
  RateLimit(boost::asio::any_io_executor core, double per_second, Clock& clock)
      : per_second_(per_second),
        most_(std::max(per_second, 1.0)),
        clock_(clock),
        came_back_(std::move(core)) {}

  /// Waits for a token. Throws operation_aborted when the waiting coroutine is cancelled.
  boost::asio::awaitable<Token> acquire() {
    if (per_second_ <= 0) co_return Token(nullptr);
    for (;;) {
      fill();
      if (tokens_ >= 1) break;
      if (room() < 1) {
        co_await came_back_.wait();
        continue;
      }
      const std::chrono::duration<double> missing((1 - tokens_) / per_second_);
      co_await clock_.pause(std::chrono::ceil<Clock::Duration>(missing));
    }
    tokens_ -= 1;
    ++held_;
    co_return Token(this);
  }

 private:
  [[nodiscard]] double room() const noexcept { return most_ - held_; }
  void fill() noexcept {
    const auto now = clock_.now();
    const std::chrono::duration<double> passed(now - filled_);
    filled_ = now;
    tokens_ = std::min(tokens_ + passed.count() * per_second_, room());
  }
  void take_back(int unspent) noexcept {
    fill();
    --held_;
    tokens_ += unspent;
    came_back_.notify();
  }

  double per_second_;
  double most_;
  Clock& clock_;
  double tokens_ = most_;
  int held_ = 0;
  Clock::TimePoint filled_ = clock_.now();
  Wakeup came_back_;
};

}  // namespace temporal::supervisor
