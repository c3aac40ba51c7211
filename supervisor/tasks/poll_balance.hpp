// SPDX-License-Identifier: MIT
// Workflow tasks come from two queues: the one that all workers share, and the sticky one with the
// tasks of the runs that this worker holds. Both draw on the same places. When few are left, one
// queue's polls could hold all of them while tasks wait in the other: a PollBalance says which
// queue may poll next.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "supervisor/tasks/permits.hpp"

namespace temporal::supervisor {

enum class PollKind : std::size_t { normal, sticky };

/// Thread rule: core loop only.
class PollBalance {
 public:
  /// An open poll: it counts as long as this exists. Must not outlive its balance.
  class Poll {
   public:
    Poll(Poll&& other) noexcept
        : balance_(std::exchange(other.balance_, nullptr)), kind_(other.kind_) {}
    Poll& operator=(Poll&&) = delete;
    ~Poll() { end(); }
    void end() noexcept;

   private:
    friend PollBalance;
    Poll(PollBalance& balance, PollKind kind) noexcept : balance_(&balance), kind_(kind) {}
    PollBalance* balance_;
    PollKind kind_;
  };
  struct Place {
    Permit permit;
    Poll poll;
  };

  PollBalance(Permits& permits, bool both) : permits_(permits), both_(both) {}

  /// Waits until this queue may poll. Throws operation_aborted when the waiting coroutine is
  /// cancelled.
  boost::asio::awaitable<Place> acquire(PollKind kind);
  /// What the last reply from the sticky queue said of the tasks that still wait there.
  void sticky_backlog(std::int64_t tasks) noexcept { sticky_backlog_ = tasks; }

 private:
  [[nodiscard]] bool may_poll(PollKind kind) const noexcept;
  [[nodiscard]] int& open(PollKind kind) noexcept { return open_[static_cast<std::size_t>(kind)]; }

  Permits& permits_;
  bool both_;
  int open_[2] = {0, 0};
  std::int64_t sticky_backlog_ = 0;
};

/// How many of `pollers` go to which queue: at least one to each.
struct PollerSplit {
  int normal;
  int sticky;
};
[[nodiscard]] PollerSplit split_pollers(int pollers, double nonsticky_ratio) noexcept;

}  // namespace temporal::supervisor
