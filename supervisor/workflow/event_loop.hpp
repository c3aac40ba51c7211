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

#include "temporal/future.hpp"
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

  /// A coroutine that nobody awaits: it starts when its turn comes, after all that is ready now.
  void start(Task<void> root);
  void wait(Condition condition);
  /// Runs until nothing is ready and no condition holds. Conditions are evaluated in the order of
  /// registration, one at a time, so that the line after a wait still finds true what it waited
  /// for.
  void run();

  /// Cancelled with the workflow, while it is not done.
  void cancel_with_workflow(const std::shared_ptr<workflow::detail::FutureState>& future);
  /// Cancels what is pending now, once. What starts later is not touched.
  void cancel_pending();

  /// Destroys all coroutines, newest first, and resumes none.
  void destroy() noexcept;

 private:
  bool wake_first_satisfied();

  temporal::detail::Trampoline trampoline_;
  std::list<Task<void>> roots_;
  std::list<Condition> conditions_;
  std::map<std::uint64_t, std::weak_ptr<workflow::detail::FutureState>> pending_;
  std::uint64_t next_pending_ = 0;
};

}  // namespace temporal::engine
