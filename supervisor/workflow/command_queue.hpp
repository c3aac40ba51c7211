// SPDX-License-Identifier: MIT
// Commands on their way from code to history: issued by an activation, put in order at its end,
// matched one by one with the command events of the next chunk. One queue for all kinds of
// machines.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "supervisor/workflow/machines/machine.hpp"

namespace temporal::engine {

class CommandQueue {
 public:
  std::weak_ptr<PendingCommand> issue(std::shared_ptr<Machine> machine, Command command,
                                      EventType becomes);

  /// Ends an activation: what was cancelled before it was sent is gone; a command that ends the run
  /// comes last. With `keep_after_terminal` (core flag 3) those issued after it come before it,
  /// without they are cut. Only the first of several terminal commands counts.
  void prepare(bool keep_after_terminal);

  /// The command that became this event. Throws Nondeterminism when code issued none, or another.
  [[nodiscard]] std::shared_ptr<PendingCommand> match(const HistoryEvent& event);

  /// The first command that has no event yet; null when none waits.
  [[nodiscard]] const PendingCommand* front() const;
  /// It will have no event, and need not. What was dropped with it goes too.
  void drop_front();
  /// All that wait, in the order to send them.
  [[nodiscard]] std::vector<Command> commands() const;
  /// Of those that have no event yet.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool ends_run() const noexcept { return terminal_; }

 private:
  // Lists: thousands of runs are kept, and an empty deque would be the largest thing in each.
  std::list<std::shared_ptr<PendingCommand>> issued_;
  std::list<std::shared_ptr<PendingCommand>> waiting_;
  bool terminal_ = false;
};

}  // namespace temporal::engine
