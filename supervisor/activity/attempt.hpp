// SPDX-License-Identifier: MIT
// One attempt, from the arrival of its task to its single answer. It owns the token: nobody else
// ever answers for it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/activity/crash_counts.hpp"
#include "supervisor/activity/executor.hpp"
#include "supervisor/activity/heartbeat.hpp"
#include "supervisor/clock.hpp"
#include "supervisor/deployment.hpp"
#include "supervisor/observe/worker_metrics.hpp"
#include "supervisor/rpc/workflow_service.hpp"
#include "temporal/calls.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// What all attempts of a worker share.
struct AttemptSettings {
  boost::asio::any_io_executor core;
  WorkflowService& service;
  Logger& log;
  WorkerMetrics& metrics;
  std::string name_space;
  std::string task_queue;
  std::string identity;
  Deployment deployment{};
  HeartbeatThrottle throttle{};
  /// From a cancellation that is not the stop's to terminate(); none: never.
  std::optional<std::chrono::milliseconds> cancel_grace{};
  /// From the activity's own timeout to terminate(); none: never.
  std::optional<std::chrono::milliseconds> timeout_grace{10'000};
  std::chrono::milliseconds local_timeout_buffer{5'000};
  int crash_non_retryable_after = 0;  ///< crashes of one activity execution; 0: they do not count
  CrashCounts crashes{};
  std::chrono::milliseconds slow_task{
      0};  ///< after this, one line says that it still runs; 0: never
  static constexpr std::size_t kBlobLimit = 2 << 20;
  std::size_t blob_limit = kBlobLimit;  ///< bytes of one payload that the server takes
  Clock& clock = steady_clock();
};

/// Thread rule: core loop only.
class Attempt {
 public:
  /// `eager`: no poll brought the task. `activity`: as it is registered, and outlives this; null: it is not.
  Attempt(AttemptSettings& settings, ActivityTask task, bool eager = false,
          const detail::ActivityDefinition* activity = nullptr);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// Runs the activity and answers for it. Never throws for what the activity or the server did.
  boost::asio::awaitable<void> run(Executor& executor);
  /// Answers for a task that nobody here can run.
  boost::asio::awaitable<void> refuse(api::failure::v1::Failure failure);
  /// Is it time to say, or to do, something about an activity that still runs? To be asked about
  /// once a second: no attempt has a timer of its own, most are over before it would be due.
  void look();

  /// The stop of the worker reaches the activity in these steps.
  void notify_shutdown();
  void cancel(CancelReason reason);
  void terminate();
  /// An operator ends it. False: there is no process to end, or it is over.
  bool kill();
  /// The last step, for code that nothing has ended: answers in its place, as if it had let the
  /// cancellation through. Whatever it still does is nobody's. `answered` is called once, when the
  /// server has taken or refused that answer, or at once when there is none to be sent.
  void abandon(std::function<void()> answered);

  /// For who watches: its ids, `pid` and `incarnation` of its place in a child, `age_ms`, and `heartbeat_ms` since the server last heard of it.
  [[nodiscard]] LogFields view() const;
  [[nodiscard]] const ActivityTask& task() const noexcept { return task_; }
  [[nodiscard]] pid_t pid() const { return execution_ ? execution_->pid() : 0; }

 private:
  void begun(Execution& execution);
  void beat();
  void beat_for_it(Clock::TimePoint now);
  void terminate_after(std::optional<std::chrono::nanoseconds> grace);
  boost::asio::awaitable<void> end_beats();
  boost::asio::awaitable<void> answer_in_its_place();
  [[nodiscard]] Clock::TimePoint deadline() const;
  boost::asio::awaitable<void> respond(Ending ending);
  void count_crash(api::failure::v1::Failure& failure);
  boost::asio::awaitable<void> respond_completed(Returned& ending);
  boost::asio::awaitable<void> respond_canceled(ThrewCancelled& ending);
  boost::asio::awaitable<void> respond_failed(api::failure::v1::Failure failure);
  boost::asio::awaitable<bool> send_failed(
      const api::workflowservice::v1::RespondActivityTaskFailedRequest& failed);
  void note_refused(std::string_view message, const RpcError& error);
  template <class Request>
  Request request() const;
  LogFields fields() const;

  AttemptSettings& settings_;
  ActivityTask task_;
  const ActivityMetrics& metrics_;
  std::optional<CancelReason> cancelled_;
  bool shutdown_notice_ = false;
  bool over_ = false;               // of the activity it is known how it ended
  Execution* execution_ = nullptr;  // while it runs
  std::optional<api::common::v1::Payloads> unsent_;
  Heartbeat heartbeat_;
  // Who never beats pays for no coroutine that would send it.
  bool beating_ = false;
  bool abandoning_ = false;
  Wakeup abandoned_;
  boost::asio::cancellation_signal stop_beats_;
  Wakeup beats_ended_;
  // What look() goes by.
  const Clock::TimePoint arrived_;
  Clock::TimePoint note_slow_at_ = Clock::TimePoint::max();
  Clock::TimePoint terminate_at_ = Clock::TimePoint::max();
  bool overran_ = false;
  const ActivityLimits limits_;
  const Duration auto_heartbeat_;
  std::uint64_t progress_ = 0;
  bool owes_beat_ = false;                           // it got on, and said nothing itself
  std::optional<api::common::v1::Payloads> newest_;  // what is said for it
};

}  // namespace temporal::supervisor
