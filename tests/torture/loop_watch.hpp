// SPDX-License-Identifier: MIT
// How long a loop was held by what ran on it: a timer that ticks every millisecond, late by as much. Time in which this thread
// wanted a core and had none does not count: that is the machine's, and the kernel keeps count of it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "shared/ipc/fd.hpp"

namespace temporal::supervisor::children::torture {

/// Thread rule: of the thread that runs the loop, which is the main thread of its process.
class LoopWatch {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LoopWatch(boost::asio::io_context& io) : timer_(io) {}

  void start() {
    forgive();
    tick();
  }
  void stop() {
    stopped_ = true;  // its turn may have come already, and then there is nothing to cancel
    timer_.cancel();
  }
  /// What held the loop since the last tick was the row itself, on purpose.
  void forgive() {
    last_ = Clock::now();
    waited_ = waited_for_a_core();
  }

  [[nodiscard]] std::chrono::microseconds longest() const { return share(1); }
  [[nodiscard]] std::chrono::microseconds p99() const { return share(0.99); }

 private:
  std::chrono::nanoseconds waited_for_a_core() const {
    std::array<char, 64> text{};
    if (::pread(schedstat_.get(), text.data(), text.size() - 1, 0) <= 0) return {};
    char* waited = nullptr;
    (void)std::strtoll(text.data(), &waited, 10);
    return std::chrono::nanoseconds(std::strtoll(waited, nullptr, 10));
  }

  void tick() {
    timer_.expires_after(kPeriod);
    timer_.async_wait([this](boost::system::error_code) {
      const auto before = last_;
      const auto waited = waited_;
      forgive();
      const auto held = (last_ - before) - kPeriod - (waited_ - waited);
      lags_.push_back(std::max<std::int64_t>(
          0, std::chrono::duration_cast<std::chrono::microseconds>(held).count()));
      if (!stopped_) tick();
    });
  }

  [[nodiscard]] std::chrono::microseconds share(double part) const {
    if (lags_.empty()) return {};
    auto sorted = lags_;
    std::ranges::sort(sorted);
    const auto last = static_cast<double>(sorted.size() - 1);
    return std::chrono::microseconds(sorted[static_cast<std::size_t>(last * part)]);
  }

  static constexpr auto kPeriod = std::chrono::milliseconds(1);
  boost::asio::steady_timer timer_;
  // Open from the beginning: a row may have taken all descriptors.
  ipc::UniqueFd schedstat_{::open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC)};
  bool stopped_ = false;
  Clock::time_point last_;
  std::chrono::nanoseconds waited_{};
  std::vector<std::int64_t> lags_;
};

}  // namespace temporal::supervisor::children::torture
