// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/memo.hpp"
#include "temporal/search_attributes.hpp"

namespace temporal::engine {

/// A change of search attributes or of the memo: in force in the run as soon as it is asked for, so
/// that only its event is waited for.
class Upsert final : public Machine {
 public:
  enum class State { created, done };
  static constexpr std::string_view kKind = "an upsert";
  static std::string_view name_of(State state);

  /// `command` is UpsertWorkflowSearchAttributes or ModifyWorkflowProperties.
  static std::weak_ptr<PendingCommand> issue(MachineHost& host, Command command);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  Upsert() = default;
  State state_ = State::created;
};

/// With its removals.
[[nodiscard]] Command upsert_command(const SearchAttributes& changes);
[[nodiscard]] Command upsert_command(const Memo& changes);

}  // namespace temporal::engine
