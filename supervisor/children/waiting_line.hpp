// SPDX-License-Identifier: MIT
// Tasks that wait for a child, in their order. Who is first stays in line until it has taken what it waits for: a child that
// becomes idle is never taken by one that came later, and a wake-up that comes to nothing costs nobody his place.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <memory>

#include "supervisor/children/task.hpp"
#include "supervisor/wakeup.hpp"

namespace temporal::supervisor::children {

/// Thread rule: core loop only.
class WaitingLine {
 public:
  /// One task's place; leaving it lets the next one have a look. May outlive its line. While it exists,
  /// AttemptHandle::terminate() wakes it.
  class Place {
   public:
    Place(boost::asio::any_io_executor core, const WaitingLine& line, AttemptHandle& handle)
        : places_(line.places_), handle_(handle), woken_(std::move(core)) {
      places_->push_back(this);
      handle_.give_up_ = [this] { woken_.notify(); };
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      handle_.give_up_ = nullptr;
      std::erase(*places_, this);
      wake_first_of(*places_);
    }
    [[nodiscard]] bool first() const { return places_->front() == this; }
    /// Until it is worth another look.
    boost::asio::awaitable<void> wait() { return woken_.wait(); }

   private:
    friend WaitingLine;
    std::shared_ptr<std::deque<Place*>> places_;
    AttemptHandle& handle_;
    Wakeup woken_;
  };

  [[nodiscard]] int length() const { return static_cast<int>(places_->size()); }
  void wake_first() { wake_first_of(*places_); }

 private:
  static void wake_first_of(const std::deque<Place*>& places) {
    if (!places.empty()) places.front()->woken_.notify();
  }
  // Shared: a waiting coroutine may be destroyed after the pool.
  std::shared_ptr<std::deque<Place*>> places_ = std::make_shared<std::deque<Place*>>();
};

}  // namespace temporal::supervisor::children
