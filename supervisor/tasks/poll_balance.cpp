// SPDX-License-Identifier: MIT
#include "supervisor/tasks/poll_balance.hpp"

#include <algorithm>

namespace asio = boost::asio;

namespace temporal::supervisor {

void PollBalance::Poll::end() noexcept {
  auto* balance = std::exchange(balance_, nullptr);
  if (!balance) return;
  --balance->open(kind_);
  balance->permits_.look_again();
}

asio::awaitable<PollBalance::Place> PollBalance::acquire(PollKind kind) {
  auto permit = co_await permits_.acquire([this, kind] { return may_poll(kind); });
  if (++open(kind) == 1) permits_.look_again();  // the other queue may have waited for that
  co_return Place{std::move(permit), Poll(*this, kind)};
}

// The last place is for the queue that has no open poll; when neither has one, for the queue where
// tasks are known to wait.
bool PollBalance::may_poll(PollKind kind) const noexcept {
  if (!both_ || permits_.free() > 1) return true;
  const bool sticky = kind == PollKind::sticky;
  const int mine = open_[sticky ? 1 : 0], other = open_[sticky ? 0 : 1];
  if (other > 0) return true;
  return mine == 0 && (sticky || sticky_backlog_ <= 1);
}

PollerSplit split_pollers(int pollers, double nonsticky_ratio) noexcept {
  const int normal =
      std::clamp(static_cast<int>(pollers * nonsticky_ratio), 1, std::max(1, pollers - 1));
  return {.normal = normal, .sticky = std::max(1, pollers - normal)};
}

}  // namespace temporal::supervisor
