// SPDX-License-Identifier: MIT
// A thread waits for something that another thread may tell at any moment, without a lock that the
// teller could be held up by.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <ctime>

namespace temporal::supervisor {

/// Who waits asks its condition again after each wait. Between two threads of one process.
class News {
 public:
  void notify() noexcept {
    count_.fetch_add(1);
    ::syscall(SYS_futex, &count_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }

  /// What to hand to wait_until(): taken before the condition is asked, so that nothing is missed.
  [[nodiscard]] std::uint32_t seen() const noexcept { return count_; }
  /// Until the next notify() after `seen`, or `end`; may return early.
  void wait_until(std::uint32_t seen, std::chrono::steady_clock::time_point end) const noexcept {
    const auto since_boot =
        std::chrono::duration_cast<std::chrono::nanoseconds>(end.time_since_epoch()).count();
    const timespec until{static_cast<time_t>(since_boot / 1'000'000'000),
                         static_cast<long>(since_boot % 1'000'000'000)};
    ::syscall(SYS_futex, &count_, FUTEX_WAIT_BITSET_PRIVATE, seen, &until, nullptr,
              FUTEX_BITSET_MATCH_ANY);
  }

 private:
  std::atomic<std::uint32_t> count_ = 0;
};

}  // namespace temporal::supervisor
