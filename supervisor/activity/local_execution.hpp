// SPDX-License-Identifier: MIT
// An attempt whose code runs in this process, on a loop or on a thread: the user's Context on one
// side, the attempt's Execution on the other. The two live on two threads; what they say to each
// other is an atomic, or crosses by post().
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>

#include "child/v1/child.pb.h"
#include "supervisor/activity/executor.hpp"
#include "supervisor/activity/newest_beat.hpp"
#include "supervisor/activity/start.hpp"
#include "supervisor/observe/user_metrics.hpp"
#include "supervisor/threads/current_task.hpp"
#include "supervisor/wakeup.hpp"
#include "temporal/context.hpp"

namespace temporal::supervisor {

/// Deleted by whichever side lets go last.
class LocalExecution : public activity::detail::ContextBackend,
                       public Execution,
                       public std::enable_shared_from_this<LocalExecution> {
 public:
  /// `link` brings metrics.
  LocalExecution(boost::asio::any_io_executor core, const child::v1::Start& start, Logger& log,
                 Link& link);

  // --- the thread of the activity ---
  const activity::Info& info() const override { return info_; }
  const Payloads& last_heartbeat() const override { return last_heartbeat_; }
  void heartbeat(std::string_view encoding, std::string_view details) override;
  void progress() noexcept override { progress_.fetch_add(1, std::memory_order_relaxed); }
  std::optional<CancelReason> cancel_reason() const noexcept override;
  bool worker_shutdown() const noexcept override { return shutdown_; }
  std::stop_token stop_token() override;
  Logger& log() override { return log_; }
  Metrics& metrics() override { return *metrics_; }
  /// Worn by the threads that run a step of it.
  [[nodiscard]] std::shared_ptr<TaskIdentity> identity();
  /// That whose step the calling thread runs; null: none's, or it is over.
  [[nodiscard]] static std::shared_ptr<LocalExecution> of_this_step();
  [[nodiscard]] const std::shared_ptr<UserMetrics>& measured() const { return metrics_; }
  /// The task; constant.
  [[nodiscard]] const child::v1::Start& start() const { return start_; }

  /// The last thing the activity's thread does with it.
  void end(const std::exception_ptr& error, const Payload& result);

  // --- the core loop ---
  void cancel(CancelReason reason) override;
  void notify_shutdown() override;
  void terminate() override;
  std::optional<api::common::v1::Payloads> take_heartbeat() override;
  std::uint64_t progress() const override;
  /// Waits for end().
  boost::asio::awaitable<Ending> ending();

  /// What the activity handed over to a child shares the attempt's fate: reasons and the end that
  /// is forced go on to it until it is taken back, also those that came before.
  void hand_over(Execution& to);
  void take_back(Execution& from, std::optional<api::common::v1::Payloads> last_heartbeat);
  /// There is a heartbeat to take.
  void beat();

 protected:
  /// Something was asked of the activity: a thread that waits for it is woken. Core loop.
  virtual void wake() = 0;
  /// The first cancellation. Core loop; must not run user code there.
  virtual void deliver_cancel() = 0;
  [[nodiscard]] bool wants_stop() const noexcept { return stop_wanted_; }
  /// Calls the user's stop callbacks.
  void request_stop() { stop_.request_stop(); }

 private:
  class Identity;
  [[nodiscard]] Ending ending_of(const std::exception_ptr& error, const Payload& result) const;

  boost::asio::any_io_executor core_;
  const child::v1::Start start_;
  const activity::Info info_;
  const Payloads last_heartbeat_;
  const std::shared_ptr<Identity> identity_;
  TaskLog log_;
  const std::shared_ptr<UserMetrics> metrics_;
  std::atomic<int> reason_ = -1;
  std::atomic<bool> shutdown_ = false;
  std::atomic<bool> stop_wanted_ = false;
  std::atomic<std::uint64_t> progress_ = 0;
  std::stop_source stop_;
  NewestBeat beat_;

  // Core loop.
  std::function<void()> heartbeat_;
  std::optional<api::common::v1::Payloads> from_child_;  // older than what is in beat_
  std::optional<Ending> ending_;
  std::set<Execution*> handed_over_;
  bool terminated_ = false;
  Wakeup over_;
};

}  // namespace temporal::supervisor
