// SPDX-License-Identifier: MIT
// An activity may beat a million times a second; the server wants one beat per throttle interval.
// The newest wins, the first goes out at once, and never are two calls in flight for one attempt.
// What the server answers may be "stop".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "shared/ipc/heartbeat_slot.hpp"
#include "supervisor/activity/executor.hpp"
#include "supervisor/clock.hpp"
#include "supervisor/rpc/workflow_service.hpp"
#include "supervisor/wakeup.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// A beat is kept as bytes and the name of their encoding; what the server wants is built only when
/// it is sent.
[[nodiscard]] api::common::v1::Payloads payloads_of(ipc::Heartbeat beat);

/// How often the server may hear of one attempt; 0 is the default.
struct HeartbeatThrottle {
  std::chrono::milliseconds most{60'000};
  std::chrono::milliseconds unwatched{30'000};  ///< where the server watches no heartbeats
};

/// 0.8 x the timeout, within the throttle.
[[nodiscard]] std::chrono::nanoseconds heartbeat_interval(std::chrono::nanoseconds timeout,
                                                          HeartbeatThrottle throttle = {});

/// Thread rule: core loop only.
class Heartbeat {
 public:
  using Take = std::function<std::optional<api::common::v1::Payloads>()>;

  struct Task {
    std::string token;
    std::string name_space;
    std::string identity;
    std::chrono::nanoseconds interval{};                                  ///< between two calls
    std::function<LogFields()> ids = [] { return LogFields::object(); };  ///< of lines about it
  };

  Heartbeat(boost::asio::any_io_executor core, WorkflowService& service, Logger& log, Clock& clock,
            Task task);

  /// Sends `first`, then what `take` yields, until cancelled. `on_cancel` hears why the server
  /// wants an end.
  boost::asio::awaitable<void> run(std::optional<api::common::v1::Payloads> first, Take take,
                                   std::function<void(CancelReason)> on_cancel);
  /// There is something to take.
  void arrived() noexcept { arrived_.notify(); }

  /// When the server last heard of this attempt; the arrival of the task counts.
  [[nodiscard]] Clock::TimePoint last_sent() const noexcept { return last_sent_; }
  /// Details that were taken but never reached the server.
  [[nodiscard]] std::optional<api::common::v1::Payloads> unsent() const { return unsent_; }

 private:
  boost::asio::awaitable<std::optional<CancelReason>> send(
      const api::common::v1::Payloads& details);

  WorkflowService& service_;
  Logger& log_;
  Clock& clock_;
  Task task_;
  Clock::TimePoint last_sent_ = clock_.now();
  std::optional<api::common::v1::Payloads> unsent_;
  Wakeup arrived_;
};

}  // namespace temporal::supervisor
