// SPDX-License-Identifier: MIT
// What coroutines of one run share: handlers run between the steps of run(), so what spans an await needs a guard. All of
// these are fair, first come first served; a wait ends with a Cancelled when its scope is cancelled. Nothing here crosses
// threads or runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "temporal/export.hpp"
#include "temporal/options.hpp"
#include "temporal/task.hpp"

namespace temporal::workflow {

class TEMPORAL_API Semaphore {
 public:
  explicit Semaphore(std::size_t permits) : free_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  [[nodiscard]] Task<void> acquire();
  /// False when none came free in time.
  [[nodiscard]] Task<bool> acquire(Duration timeout);
  /// False when none is free, or somebody waits for one.
  [[nodiscard]] bool try_acquire() noexcept;
  void release() noexcept { ++free_; }
  [[nodiscard]] std::size_t available() const noexcept { return free_; }

 private:
  Task<bool> wait(std::optional<Duration> timeout);

  std::size_t free_;
  std::uint64_t next_ticket_ = 0;
  std::deque<std::uint64_t> line_;
};

class TEMPORAL_API Mutex {
 public:
  /// Held until it is destroyed.
  class TEMPORAL_API Lock {
   public:
    Lock(Lock&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    Lock& operator=(Lock&& other) noexcept {
      if (this != &other) {
        unlock();
        of_ = std::exchange(other.of_, nullptr);
      }
      return *this;
    }
    ~Lock() { unlock(); }
    void unlock() noexcept {
      if (auto* of = std::exchange(of_, nullptr)) of->semaphore_.release();
    }

   private:
    friend Mutex;
    explicit Lock(Mutex& of) noexcept : of_(&of) {}
    Mutex* of_;
  };

  [[nodiscard]] Task<Lock> lock();
  /// Nothing when it did not come free in time.
  [[nodiscard]] Task<std::optional<Lock>> lock(Duration timeout);
  [[nodiscard]] bool locked() const noexcept { return semaphore_.available() == 0; }

 private:
  Semaphore semaphore_{1};
};

/// First in, first out, between handlers and run().
template <class T>
class Queue {
 public:
  static constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();
  explicit Queue(std::size_t capacity = kUnbounded) : places_(capacity) {}

  /// Waits while it is full.
  [[nodiscard]] Task<void> push(T value) {
    co_await places_.acquire();
    put(std::move(value));
  }
  /// False when it is full.
  bool try_push(T value) {
    if (!places_.try_acquire()) return false;
    put(std::move(value));
    return true;
  }
  /// Waits while it is empty.
  [[nodiscard]] Task<T> pop() {
    co_await values_waiting_.acquire();
    co_return take();
  }
  /// Nothing when none came in time.
  [[nodiscard]] Task<std::optional<T>> pop(Duration timeout) {
    const bool came = co_await values_waiting_.acquire(timeout);
    if (!came) co_return std::nullopt;
    co_return take();
  }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }

 private:
  void put(T value) {
    values_.push_back(std::move(value));
    values_waiting_.release();
  }
  T take() {
    T value = std::move(values_.front());
    values_.pop_front();
    places_.release();
    return value;
  }

  std::deque<T> values_;
  Semaphore places_;
  Semaphore values_waiting_{0};
};

}  // namespace temporal::workflow
