// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/workflow/local_call.hpp"
#include "supervisor/workflow/local_marker.hpp"
#include "supervisor/workflow/machines/machine.hpp"
#include "temporal/options.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

/// The type of those that are the run's own: workflow::side_effect().
inline constexpr const char* kSideEffect = "side_effect";

/// What a local activity asks of its run, beside commands.
class LocalHost {
 public:
  virtual ~LocalHost() = default;
  /// To be handed out at the end of the activation.
  virtual void request(const LocalCall& call) = 0;
  virtual void cancel(const LocalCancel& cancel) = 0;
  /// Ends it, in an activation of its own, as if it had been reported.
  virtual void end(LocalResult result) = 0;
  virtual void advance_to(Time time) = 0;
};

[[nodiscard]] api::failure::v1::Failure cancelled_failure();
/// Of what never ran, or is not waited for any more.
[[nodiscard]] LocalResult cancelled_result(const LocalCall& call);

/// It runs in this worker while the workflow task is open. The one thing that history has of it is a marker with its end, which
/// on replay is known before the event is met.
class LocalActivity final : public Machine {
 public:
  enum class State { waiting, running, leaving, recorded, resolved, done };
  static constexpr std::string_view kKind = "a local activity";
  static std::string_view name_of(State state);

  /// What is given with the call.
  struct Wanted {
    LocalCall call;
    OnCancel on_cancel = OnCancel::wait_completed;
    Command summary;  ///< its user metadata only
    /// Succeeded with the result's payload, or fails with ActivityError.
    workflow::detail::PayloadFuture future;
    /// The next attempt is due after a timer: its call, without a number, and when.
    std::function<void(LocalCall next, Duration backoff)> retry_later;
  };

  LocalActivity(MachineHost& host, LocalHost& locals, Wanted wanted, Time now);

  /// Once, after it was made: does the worker have to run it, or does history know how it ends?
  void begin(bool replaying);
  [[nodiscard]] std::size_t bytes() const {
    return sizeof *this + wanted_.call.arguments.ByteSizeLong();
  }
  void foreseen(LocalMarker marker);
  void ended(LocalResult result);
  void replay_over();

  void on_event(const HistoryEvent& event) override;
  [[nodiscard]] std::source_location awaited_at() const noexcept override {
    return wanted_.future->where();
  }
  [[nodiscard]] bool done() const noexcept override { return state_ == State::done; }
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] std::uint32_t seq() const noexcept { return wanted_.call.seq; }

 private:
  static const std::array<Transition<LocalActivity>, 15>& table();
  void cancel();
  void request(const HistoryEvent*);
  void ask(const HistoryEvent*);
  void ask_and_leave(const HistoryEvent*);
  void leave(const HistoryEvent*);
  void record(const HistoryEvent*);
  void resolve(const HistoryEvent*);
  void check(const HistoryEvent* event);
  void end_cancelled();
  void fail(const api::failure::v1::Failure& failure);

  MachineHost& host_;
  LocalHost& locals_;
  Wanted wanted_;
  Time began_;
  std::optional<LocalMarker> end_;
  std::weak_ptr<PendingCommand> marker_;
  State state_ = State::waiting;
  bool began_in_replay_ = false;
  bool cancelled_ = false;
};

}  // namespace temporal::engine
