// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

/// Asks another workflow, a child or any, to stop. Not to be cancelled itself.
class CancelExternal final : public Machine {
 public:
  enum class State { created, sent, done };
  static constexpr std::string_view kKind = "a cancellation of another workflow";
  static std::string_view name_of(State state);
  /// Null when it was asked, else an ExternalWorkflowError. Called when history tells, before the
  /// code is woken.
  using Asked = std::function<void(std::exception_ptr)>;

  /// Issues RequestCancelExternalWorkflowExecution.
  static void request(MachineHost& host, const workflow::detail::Target& target,
                      const std::string& reason, Asked asked);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  explicit CancelExternal(Asked asked) : asked_(std::move(asked)) {}
  static const std::array<Transition<CancelExternal>, 3>& table();
  void check(const HistoryEvent* event);
  void requested(const HistoryEvent*);
  void failed(const HistoryEvent* event);

  Asked asked_;
  std::weak_ptr<PendingCommand> request_;
  State state_ = State::created;
};

}  // namespace temporal::engine
