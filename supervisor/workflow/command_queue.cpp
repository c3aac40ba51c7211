// SPDX-License-Identifier: MIT
#include "supervisor/workflow/command_queue.hpp"

#include <utility>

#include "supervisor/workflow/machines/close.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "supervisor/workflow/sizes.hpp"

namespace temporal::engine {

std::weak_ptr<PendingCommand> CommandQueue::issue(std::shared_ptr<Machine> machine, Command command,
                                                  EventType becomes) {
  issued_.push_back(std::make_shared<PendingCommand>(
      PendingCommand{std::move(machine), std::move(command), becomes, false}));
  return issued_.back();
}

void CommandQueue::prepare(bool keep_after_terminal) {
  std::erase_if(waiting_, [](const auto& pending) { return pending->dropped; });
  std::shared_ptr<PendingCommand> terminal;
  for (auto& pending : std::exchange(issued_, {})) {
    if (pending->dropped || terminal_) continue;
    if (is_terminal_command(pending->command)) {
      if (!terminal) terminal = std::move(pending);
    } else if (!terminal || keep_after_terminal) {
      waiting_.push_back(std::move(pending));
    }
  }
  if (!terminal) return;
  waiting_.push_back(std::move(terminal));
  terminal_ = true;
}

std::shared_ptr<PendingCommand> CommandQueue::match(const HistoryEvent& event) {
  if (waiting_.empty())
    throw Nondeterminism(event.event_id(),
                         "history says " + describe(event) + ", the code issued no command for it");
  auto pending = std::move(waiting_.front());
  waiting_.pop_front();
  if (pending->becomes != event.event_type()) throw mismatch(event, *pending);
  return pending;
}

const PendingCommand* CommandQueue::front() const {
  return waiting_.empty() ? nullptr : waiting_.front().get();
}

void CommandQueue::drop_front() {
  waiting_.front()->dropped = true;
  while (!waiting_.empty() && waiting_.front()->dropped) waiting_.pop_front();
}

std::vector<Command> CommandQueue::commands() const {
  std::vector<Command> commands;
  commands.reserve(waiting_.size());
  for (const auto& pending : waiting_) commands.push_back(pending->command);
  return commands;
}

std::size_t CommandQueue::bytes() const {
  std::size_t bytes = 0;
  for (const auto& one : waiting_) bytes += sizeof *one + kInMemory * one->command.ByteSizeLong();
  return bytes;
}

}  // namespace temporal::engine
