// SPDX-License-Identifier: MIT
// Cancellation, by scope: what a coroutine starts belongs to the scope it is in, and is cancelled with it, or, in a shielded
// one, is not. Coroutines inherit the scope they are awaited or spawned in.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "temporal/errors.hpp"
#include "temporal/export.hpp"
#include "temporal/future.hpp"
#include "temporal/options.hpp"
#include "temporal/task.hpp"
#include "temporal/trampoline.hpp"

namespace temporal {

namespace workflow {

/// The update whose handler runs.
struct UpdateInfo {
  std::string id;
  std::string name;
};

}  // namespace workflow

namespace detail {

struct Scope {
  std::shared_ptr<Scope> parent{};  ///< null: the run's own
  bool shielded = false;            ///< a cancellation from outside stops here
  bool cancelled = false;
  std::shared_ptr<const workflow::UpdateInfo> update{};  ///< of this handler; null: its parent's
};

}  // namespace detail

namespace workflow {

/// From its construction to its destruction, what this coroutine starts belongs to this scope. Make it a local variable of the
/// coroutine that it is for. A workflow's cancellation passes into nested scopes, not into shielded ones:
///
///     if (failed) {
///       workflow::CancelScope scope(workflow::CancelScope::shielded);
///       co_await workflow::execute_activity<refund>(kQuick, receipt);
///     }
class TEMPORAL_API CancelScope {
 public:
  enum Kind { nested, shielded };
  explicit CancelScope(Kind kind = nested);
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  /// Cancels what is pending in it, once, in the order it was started. What starts later is not touched. It may be called by
  /// any coroutine of the run.
  void cancel();
  [[nodiscard]] bool cancelled() const noexcept { return scope_->cancelled; }
  [[nodiscard]] const std::shared_ptr<temporal::detail::Scope>& scope() const noexcept {
    return scope_;
  }

 private:
  std::shared_ptr<temporal::detail::Scope> scope_;
  std::shared_ptr<temporal::detail::Scope> before_;
};

namespace detail {

/// A scope that cancels itself when its time is over.
class TEMPORAL_API TimedScope {
 public:
  explicit TimedScope(Duration timeout);
  /// The timer goes with it.
  ~TimedScope();
  TimedScope(const TimedScope&) = delete;
  TimedScope& operator=(const TimedScope&) = delete;
  /// Inside a handler: throws TimeoutError when it is time that cancelled, else what was thrown.
  [[noreturn]] void rethrow(const Failure& failure) const;

 private:
  Duration timeout_;
  std::shared_ptr<FutureState> timer_;  // belongs to the scope around
  CancelScope scope_;
};

}  // namespace detail

/// Runs `task` out of reach of cancellations from outside.
template <class T>
Task<T> shield(Task<T> task) {
  const CancelScope scope(CancelScope::shielded);
  co_return co_await std::move(task);
}

/// Cancels what `task` waits for when it takes longer, and then throws TimeoutError, unless the task makes a result of it.
/// One timer, which is cancelled when the task is done first. Throws std::invalid_argument unless `timeout` is positive.
template <class T>
Task<T> with_timeout(Duration timeout, Task<T> task) {
  const detail::TimedScope scope(timeout);
  try {
    co_return co_await std::move(task);
  } catch (const Failure& failure) {
    scope.rethrow(failure);
  }
}

}  // namespace workflow
}  // namespace temporal
