// SPDX-License-Identifier: MIT
// The deterministic loop of one run: the trampoline's ready queue, the conditions, the coroutines
// nobody awaits, and what a cancellation of the workflow has to reach. Everything in it happens in
// the order it was asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "temporal/future.hpp"
#include "temporal/scope.hpp"
#include "temporal/task.hpp"
#include "temporal/trampoline.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

/// One wait_condition.
struct Condition {
  std::function<bool()> holds;
  workflow::detail::BoolFuture future;
  workflow::detail::PlainFuture timer;  ///< null: waits for ever
};

class EventLoop {
 public:
  [[nodiscard]] temporal::detail::Trampoline& trampoline() noexcept { return trampoline_; }

  using Scope = std::shared_ptr<temporal::detail::Scope>;

  /// A coroutine that nobody awaits: it starts when its turn comes, after all that is ready now. In
  /// the scope of who starts it, or in one of its own.
  void start(Task<void> root) { start(std::move(root), trampoline_.scope()); }
  void start(Task<void> root, Scope scope);
  void wait(Condition condition);
  /// Runs until nothing is ready and no condition holds. Conditions are evaluated in the order of
  /// registration, one at a time, so that the line after a wait still finds true what it waited
  /// for.
  void run();

  /// Cancelled with the scope that it is started in, while it is not done.
  void cancel_with_scope(const std::shared_ptr<workflow::detail::FutureState>& future);
  /// Cancels what is pending in it now, once. What starts later is not touched. Null: the run's
  /// own scope.
  void cancel_pending(const Scope& scope);

  /// Frames, futures that are not done, and results that somebody still holds.
  [[nodiscard]] std::size_t bytes();

  /// Destroys all coroutines, newest first, and resumes none.
  void destroy() noexcept;

 private:
  bool wake_first_satisfied();

  temporal::detail::Trampoline trampoline_;
  std::list<Task<void>> roots_;
  std::list<Condition> conditions_;
  struct Pending {
    std::weak_ptr<workflow::detail::FutureState> future;
    Scope scope;
  };
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t next_pending_ = 0;
  std::vector<std::weak_ptr<workflow::detail::FutureState>> done_;  // some are gone since
};

}  // namespace temporal::engine
