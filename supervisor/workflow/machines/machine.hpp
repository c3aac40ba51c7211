// SPDX-License-Identifier: MIT
// What every state machine is made of. Each kind is a table in its own file; an entry that is
// missing is an error, never a default.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/events.hpp"
#include "supervisor/workflow/sdk_flags.hpp"
#include "temporal/api/protocol/v1/message.pb.h"

namespace temporal::engine {

class Machine;

/// A command between the moment it was issued and the event it becomes.
struct PendingCommand {
  std::shared_ptr<Machine> machine;
  Command command;
  EventType becomes;
  bool dropped = false;  ///< cancelled before it was sent: it never was
};

/// What machines ask of their run.
class MachineHost {
 public:
  virtual ~MachineHost() = default;
  /// The queue owns the command, and with it the machine; a machine only looks at its own.
  virtual std::weak_ptr<PendingCommand> issue(std::shared_ptr<Machine> machine,
                                              Command command) = 0;
  /// The same for a command whose type does not tell which event it becomes.
  virtual std::weak_ptr<PendingCommand> issue(std::shared_ptr<Machine> machine, Command command,
                                              EventType becomes) = 0;
  /// Goes with the commands. Not while replaying.
  virtual void send(api::protocol::v1::Message message) = 0;
  /// Done when the events of this chunk have all been read, in their order.
  virtual void resolve(std::function<void()> resolution) = 0;
  [[nodiscard]] virtual bool uses(CoreFlag flag) const = 0;
  /// History was written by another SDK, whose timer ids are its own affair.
  [[nodiscard]] virtual bool foreign() const = 0;
};

/// One operation of one run, from its command to its last event.
class Machine : public std::enable_shared_from_this<Machine> {
 public:
  virtual ~Machine() = default;
  /// An event its command became, or one that names the event which began it.
  virtual void on_event(const HistoryEvent& event) = 0;
  /// The line of user code that waits for it, where one does.
  [[nodiscard]] virtual std::source_location awaited_at() const noexcept { return {}; }
  /// No event can concern it any more.
  [[nodiscard]] virtual bool done() const noexcept = 0;
};

/// For a future: its cancellation asks the machine, for as long as there is one.
template <class M>
std::function<void()> asking(const std::shared_ptr<M>& machine, void (M::*cancel)()) {
  return [weak = std::weak_ptr<M>(machine), cancel] {
    if (auto self = weak.lock()) (self.get()->*cancel)();
  };
}

/// What code does to a machine; history does the numbers of EventType.
enum Asked : int { kCancel = -1 };

template <class M>
struct Transition {
  typename M::State from;
  int on;  ///< an EventType, or what code asked
  typename M::State to;
  void (M::*act)(const HistoryEvent*);
};

/// Finds the row, changes the state, acts. `event` is null for what code asks.
template <class M, std::size_t N>
void step(M& machine, typename M::State& state, const std::array<Transition<M>, N>& table, int on,
          const HistoryEvent* event) {
  for (const auto& row : table) {
    if (row.from != state || row.on != on) continue;
    state = row.to;
    if (row.act) (machine.*row.act)(event);
    return;
  }
  const auto what = event ? describe(*event) : std::string("a cancellation");
  throw EngineError(event ? event->event_id() : 0,
                    std::string(M::kKind) + " cannot take " + what + " in state " +
                        std::string(M::name_of(state)) + ": the history makes no sense");
}

}  // namespace temporal::engine
