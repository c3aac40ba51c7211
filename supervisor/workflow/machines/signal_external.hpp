// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

/// A signal to another workflow, a child or any.
class SignalExternal final : public Machine {
 public:
  enum class State { created, sent, done };
  static constexpr std::string_view kKind = "a signal to another workflow";
  static std::string_view name_of(State state);

  /// Issues SignalExternalWorkflowExecution. The future is succeeded when the signal is in the
  /// other's history, or fails with ExternalWorkflowError; with Cancelled before it was sent.
  static void send(MachineHost& host, Command command, workflow::detail::PlainFuture future);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] std::source_location awaited_at() const noexcept override {
    return future_->where();
  }
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  SignalExternal(MachineHost& host, workflow::detail::PlainFuture future)
      : host_(host), future_(std::move(future)) {}
  static const std::array<Transition<SignalExternal>, 5>& table();
  void cancel();
  void drop(const HistoryEvent*);
  void check(const HistoryEvent* event);
  void signaled(const HistoryEvent*);
  void failed(const HistoryEvent* event);

  MachineHost& host_;
  workflow::detail::PlainFuture future_;
  std::weak_ptr<PendingCommand> send_;
  State state_ = State::created;
};

[[nodiscard]] Command signal_command(const workflow::detail::Target& target,
                                     const workflow::Call& signal);

}  // namespace temporal::engine
