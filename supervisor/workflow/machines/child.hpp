// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/options.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

class Child final : public Machine {
 public:
  enum class State { created, initiated, started, cancelling, detached, done };
  static constexpr std::string_view kKind = "a child workflow";
  static std::string_view name_of(State state);
  using Start = std::shared_ptr<workflow::detail::ChildStart>;

  /// Issues StartChildWorkflowExecution. The future is succeeded when the child has started, its
  /// `result` with the child's; or both fail with ChildWorkflowError. `why` is asked for the reason
  /// of a cancellation that has none of its own.
  static void start(MachineHost& host, Command command, OnChildCancel on_cancel, Start start,
                    std::function<std::string()> why);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] std::source_location awaited_at() const noexcept override;
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  Child(MachineHost& host, const Command& command, OnChildCancel on_cancel, Start start,
        std::function<std::string()> why);
  static const std::array<Transition<Child>, 39>& table();
  void cancel();
  void drop(const HistoryEvent*);
  void check_initiated(const HistoryEvent* event);
  void started(const HistoryEvent* event);
  void start_failed(const HistoryEvent* event);
  void request(const HistoryEvent*);
  void request_and_leave(const HistoryEvent*);
  void leave(const HistoryEvent*);
  void leave_when_read(const HistoryEvent*);
  void completed(const HistoryEvent* event);
  void failed(const HistoryEvent* event);
  void canceled(const HistoryEvent* event);
  void timed_out(const HistoryEvent* event);
  void terminated(const HistoryEvent*);

  [[nodiscard]] api::failure::v1::Failure wrap(const char* message,
                                               api::enums::v1::RetryState retry_state) const;
  [[nodiscard]] std::exception_ptr cancelled(const char* message) const;
  void asked(const std::exception_ptr& error);
  void fail(const api::failure::v1::Failure& failure);

  MachineHost& host_;
  std::string id_;
  std::string type_;
  std::string run_id_;
  OnChildCancel on_cancel_;
  Start start_;
  std::function<std::string()> why_;
  std::weak_ptr<PendingCommand> command_;
  std::int64_t initiated_event_id_ = 0;
  std::int64_t started_event_id_ = 0;
  bool too_early_ = false;  ///< a request to stop did not find it
  State state_ = State::created;
};

}  // namespace temporal::engine
