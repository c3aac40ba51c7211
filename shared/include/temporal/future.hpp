// SPDX-License-Identifier: MIT
// Future<T>: something that is already running (an activity, a timer, a spawned coroutine).
// Copyable; awaited any number of times; await it now for sequence, later for parallelism.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "temporal/export.hpp"
#include "temporal/payload.hpp"
#include "temporal/trampoline.hpp"

namespace temporal::workflow {

namespace detail {

/// Shared between the engine, which resolves it, and those who wait. Resolving runs no user code:
/// waiters are queued.
class TEMPORAL_API FutureState {
 public:
  explicit FutureState(temporal::detail::Trampoline& trampoline) : trampoline_(&trampoline) {}
  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;
  virtual ~FutureState();

  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  /// First call wins; later ones are ignored (a cancelled activity may still end).
  void succeed();
  void fail(std::exception_ptr error);

  void wait(temporal::detail::Frame& waiter) {
    waiters_.push_back(&waiter);
    trampoline_->leave(waiter);
  }
  /// The line of the first co_await of it: whom a mismatch with history is blamed on.
  void awaited_at(std::source_location where) noexcept {
    if (where_.line() == 0) where_ = where;
  }
  [[nodiscard]] std::source_location where() const noexcept { return where_; }
  /// `callback` is the engine's: it may queue, never resume. Called at once when already done.
  void on_done(std::function<void()> callback);

  /// Asks whoever runs this to stop. What follows is the operation's business.
  void cancel() {
    if (done_ || !on_cancel_) return;
    auto on_cancel = on_cancel_;  // it may end this future, which forgets the original
    on_cancel();
  }
  void set_on_cancel(std::function<void()> on_cancel) { on_cancel_ = std::move(on_cancel); }

 private:
  void finish();

  temporal::detail::Trampoline* trampoline_;
  bool done_ = false;
  std::exception_ptr error_;
  std::source_location where_{};
  std::vector<temporal::detail::Frame*> waiters_;
  std::vector<std::function<void()>> callbacks_;
  std::function<void()> on_cancel_;
};

/// The result of an activity or another remote thing: decoded when it is awaited.
class TEMPORAL_API PayloadState : public FutureState {
 public:
  using FutureState::FutureState;
  ~PayloadState() override;
  Payload payload;
};

/// A value that never left this run.
template <class T>
class ValueState : public FutureState {
 public:
  using FutureState::FutureState;
  std::optional<T> value;
};

template <class T>
T take_payload(FutureState& state) {
  return from_payload<T>(static_cast<PayloadState&>(state).payload);
}

template <class T>
T take_value(FutureState& state) {
  return *static_cast<ValueState<T>&>(state).value;
}

inline void take_nothing(FutureState&) {}

}  // namespace detail

template <class T = void>
class [[nodiscard]] Future {
 public:
  using value_type = T;
  using Take = T (*)(detail::FutureState&);

  Future(std::shared_ptr<detail::FutureState> state, Take take)
      : state_(std::move(state)), take_(take) {}

  [[nodiscard]] bool ready() const noexcept { return state_->done(); }
  void cancel() { state_->cancel(); }
  [[nodiscard]] const std::shared_ptr<detail::FutureState>& state() const noexcept {
    return state_;
  }
  /// The value, or throws the failure. Only when ready().
  [[nodiscard]] T get() const {
    state_->rethrow();
    return take_(*state_);
  }

  struct Awaiter {
    std::shared_ptr<detail::FutureState> state;
    Take take;
    bool await_ready() const noexcept { return state->done(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiter) {
      state->wait(waiter.promise());
    }
    T await_resume() const {
      state->rethrow();
      return take(*state);
    }
  };
  Awaiter operator co_await() const { return {state_, take_}; }
  void awaited_at(std::source_location where) const noexcept { state_->awaited_at(where); }

 private:
  std::shared_ptr<detail::FutureState> state_;
  Take take_;
};

}  // namespace temporal::workflow
