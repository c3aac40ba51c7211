// SPDX-License-Identifier: MIT
#include "temporal/sync.hpp"

#include <algorithm>

#include "temporal/workflow.hpp"

namespace temporal::workflow {

// The loop wakes one condition at a time: nobody comes between a ticket that is called and its owner's next line.
Task<bool> Semaphore::wait(std::optional<Duration> timeout) {
  const auto ticket = next_ticket_++;
  line_.push_back(ticket);
  const auto called = [this, ticket] { return free_ > 0 && line_.front() == ticket; };
  bool mine = true;
  try {
    if (timeout) {
      mine = co_await wait_condition(called, *timeout);
    } else {
      co_await wait_condition(called);
    }
  } catch (...) {
    std::erase(line_, ticket);
    throw;
  }
  std::erase(line_, ticket);
  if (mine) --free_;
  co_return mine;
}

Task<void> Semaphore::acquire() { co_await wait(std::nullopt); }

Task<bool> Semaphore::acquire(Duration timeout) { co_return co_await wait(timeout); }

bool Semaphore::try_acquire() noexcept {
  if (free_ == 0 || !line_.empty()) return false;
  --free_;
  return true;
}

Task<Mutex::Lock> Mutex::lock() {
  co_await semaphore_.acquire();
  co_return Lock(*this);
}

Task<std::optional<Mutex::Lock>> Mutex::lock(Duration timeout) {
  const bool mine = co_await semaphore_.acquire(timeout);
  if (!mine) co_return std::nullopt;
  co_return Lock(*this);
}

}  // namespace temporal::workflow
