// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/options.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

class Activity final : public Machine {
 public:
  enum class State { created, scheduled, started, cancelling, detached, done };
  static constexpr std::string_view kKind = "an activity";
  static std::string_view name_of(State state);

  /// Issues ScheduleActivityTask, which names activity id and type already. The future is succeeded
  /// with the result's payload, or fails with ActivityError.
  static void schedule(MachineHost& host, Command command, OnCancel on_cancel,
                       workflow::detail::PayloadFuture future);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] std::source_location awaited_at() const noexcept override {
    return future_->where();
  }
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  Activity(MachineHost& host, const Command& command, OnCancel on_cancel,
           workflow::detail::PayloadFuture future);
  static const std::array<Transition<Activity>, 32>& table();
  void cancel();
  void drop(const HistoryEvent*);
  void check_scheduled(const HistoryEvent* event);
  void request_and_leave(const HistoryEvent*);
  void request(const HistoryEvent*);
  void leave(const HistoryEvent*);
  void check_cancel_requested(const HistoryEvent* event);
  void completed(const HistoryEvent* event);
  void failed(const HistoryEvent* event);
  void timed_out(const HistoryEvent* event);
  void canceled(const HistoryEvent* event);

  void fail(api::failure::v1::Failure failure);
  [[nodiscard]] api::failure::v1::Failure wrap(const char* message) const;

  MachineHost& host_;
  std::string id_;
  std::string type_;
  OnCancel on_cancel_;
  workflow::detail::PayloadFuture future_;
  std::weak_ptr<PendingCommand> schedule_;
  std::int64_t scheduled_event_id_ = 0;
  State state_ = State::created;
};

}  // namespace temporal::engine
