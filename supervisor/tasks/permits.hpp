// SPDX-License-Identifier: MIT
// A task that waits inside a worker waits with its clock running. So the place is reserved first
// and polled for second: a Permit is that reservation, and it travels with the task until its
// answer is sent.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <concepts>
#include <optional>
#include <utility>

#include "supervisor/wakeup.hpp"

namespace temporal::supervisor {

class Permits;

/// One reserved place, given back by its destructor. Must not outlive its Permits.
class Permit {
 public:
  Permit() = default;
  Permit(Permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    release();
    from_ = std::exchange(other.from_, nullptr);
    return *this;
  }
  ~Permit() { release(); }
  void release() noexcept;
  explicit operator bool() const noexcept { return from_ != nullptr; }

 private:
  friend Permits;
  explicit Permit(Permits* from) noexcept : from_(from) {}
  Permits* from_ = nullptr;
};

/// A number of places that may grow and shrink while some are taken. Thread rule: core loop only.
class Permits {
 public:
  Permits(boost::asio::any_io_executor core, int capacity);

  /// Waits until a place is free. Throws system_error(operation_aborted) when the waiting coroutine
  /// is cancelled.
  boost::asio::awaitable<Permit> acquire();
  /// Waits until a place is free and `may` agrees. Who changes what `may` looks at calls
  /// look_again().
  template <std::predicate May>
  boost::asio::awaitable<Permit> acquire(May may) {
    while (free() <= 0 || !may()) co_await changed_.wait();
    ++taken_;
    co_return Permit(this);
  }
  /// Nothing when no place is free.
  std::optional<Permit> try_acquire();
  void look_again() noexcept { changed_.notify(); }

  /// Fewer places than are taken is allowed: nothing is handed out until enough came back.
  void set_capacity(int capacity);
  [[nodiscard]] int capacity() const noexcept { return capacity_; }
  [[nodiscard]] int taken() const noexcept { return taken_; }
  [[nodiscard]] int free() const noexcept { return capacity_ - taken_; }

 private:
  friend Permit;
  void give_back() noexcept;

  int capacity_;
  int taken_ = 0;
  Wakeup changed_;
};

}  // namespace temporal::supervisor
