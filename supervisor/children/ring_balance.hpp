// SPDX-License-Identifier: MIT
// How often a child may ring. By the rules of shared/ipc/doorbell.hpp each ring is earned: by a record that was committed before it, or
// by a heartbeat that was asked for. Who wakes the core loop more often does it for nothing.
#pragma once

#include <algorithm>
#include <cstdint>

namespace temporal::supervisor::children {

/// Pure.
class RingBalance {
 public:
  enum class Verdict {
    fair,
    hasty,  ///< listen to it less often
    storm,  ///< no accident any more
  };

  void rung(std::uint64_t times) {
    balance_ += static_cast<std::int64_t>(std::min(times, kCountedAtOnce));
  }
  /// A record was read, or a heartbeat asked for.
  void earned() { --balance_; }

  /// After its records were read; `unread`: how many there may be that were not.
  [[nodiscard]] Verdict judge(std::uint32_t unread) {
    // What was found without its ring is no licence to ring later: one thread sends, so at most one ring of each kind is under way.
    if (unread == 0) balance_ = std::max(balance_, -kUnderWay);
    const std::int64_t surplus = balance_ - unread;
    return surplus > kStorm ? Verdict::storm : surplus > kHasty ? Verdict::hasty : Verdict::fair;
  }

 private:
  static constexpr std::uint64_t kCountedAtOnce = 1 << 20;
  static constexpr std::int64_t kUnderWay = 2;
  static constexpr std::int64_t kHasty = 16;
  static constexpr std::int64_t kStorm = 1'000;
  std::int64_t balance_ = 0;
};

}  // namespace temporal::supervisor::children
