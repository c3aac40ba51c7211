// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"

namespace temporal::engine {

/// The end of a run: completed, failed, cancelled or continued as new.
class Close final : public Machine {
 public:
  enum class State { created, done };
  static constexpr std::string_view kKind = "the end of the workflow";
  static std::string_view name_of(State state);

  /// `command` is one of the four that end a run.
  static void issue(MachineHost& host, Command command);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  Close() = default;
  State state_ = State::created;
};

/// One of the four commands that a Close issues.
[[nodiscard]] bool is_terminal_command(const Command& command);

}  // namespace temporal::engine
