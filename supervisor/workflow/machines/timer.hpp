// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/options.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

class Timer final : public Machine {
 public:
  enum class State { created, started, cancelled, done };
  static constexpr std::string_view kKind = "a timer";
  static std::string_view name_of(State state);

  /// Issues StartTimer. The future is succeeded when it fires, fails with Cancelled when it is
  /// cancelled.
  static void start(MachineHost& host, std::uint32_t seq, Duration duration,
                    std::string_view summary, workflow::detail::PlainFuture future);

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] std::source_location awaited_at() const noexcept override {
    return future_->where();
  }
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }

 private:
  Timer(MachineHost& host, std::string id, workflow::detail::PlainFuture future)
      : host_(host), id_(std::move(id)), future_(std::move(future)) {}
  static const std::array<Transition<Timer>, 5>& table();
  void cancel();
  void drop(const HistoryEvent*);
  void check_started(const HistoryEvent* event);
  void fire(const HistoryEvent*);
  void ask_cancel(const HistoryEvent*);
  void check_cancelled(const HistoryEvent* event);
  void fail_cancelled();

  MachineHost& host_;
  std::string id_;
  workflow::detail::PlainFuture future_;
  std::weak_ptr<PendingCommand> start_;
  std::int64_t started_event_id_ = 0;
  State state_ = State::created;
};

}  // namespace temporal::engine
