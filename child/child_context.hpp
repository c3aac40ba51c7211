// SPDX-License-Identifier: MIT
// activity::Context over the arena: a heartbeat is a copy into a slot, a cancellation a word that
// is read. Nothing here waits for the supervisor.
#pragma once

#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>

#include "child/task_metrics.hpp"
#include "child/v1/child.pb.h"
#include "shared/ipc/cancel_word.hpp"
#include "shared/ipc/heartbeat_slot.hpp"
#include "shared/ipc/records.hpp"
#include "temporal/activity.hpp"

namespace temporal::child {

// Enough for the largest answer: logs and metrics never take what a result needs.
inline constexpr std::uint32_t kReservedForAnswers = 2 * ipc::kInlineLimit;

/// What lasts from task to task.
struct Surroundings {
  ipc::ChildArena& arena;
  ipc::Channel& channel;
  ipc::HeartbeatWriter heartbeats;
  ipc::Ringer heartbeat_ringer;
  int supervisor_bell;
};

class TaskLogger final : public Logger {
 public:
  TaskLogger(Surroundings& surroundings, std::uint64_t task)
      : surroundings_(surroundings), task_(task) {}
  /// Dropped, and counted, when the ring has no room: a log line never delays an activity.
  void write(LogLevel level, std::string_view message, const LogFields& fields) override;

 private:
  Surroundings& surroundings_;
  std::uint64_t task_;
};

class ChildContext final : public activity::detail::ContextBackend {
 public:
  ChildContext(Surroundings& surroundings, const v1::Start& start);

  const activity::Info& info() const override { return info_; }
  void heartbeat(std::string_view encoding, std::string_view details) override;
  void progress() noexcept override;
  const Payloads& last_heartbeat() const override { return last_heartbeat_; }
  std::optional<CancelReason> cancel_reason() const noexcept override;
  std::stop_token stop_token() override;
  bool wait_cancelled(Duration timeout) override;
  bool worker_shutdown() const noexcept override;
  bool wait_worker_shutdown(Duration timeout) override;
  boost::asio::awaitable<bool> async_wait_worker_shutdown(Duration timeout) override;
  Logger& log() override { return logger_; }
  Metrics& metrics() override { return metrics_; }
  /// The activity has ended: what it measured goes before its answer.
  void flush_metrics() { metrics_.flush(); }

 private:
  Surroundings& surroundings_;
  ipc::CancelReader cancel_;
  activity::Info info_;
  Payloads last_heartbeat_;
  TaskLogger logger_;
  TaskMetrics metrics_;
  // Only for who asks for a stop_token: a word in shared memory calls nobody. It ends first.
  std::stop_source stop_{std::nostopstate};
  std::jthread stopper_;
};

}  // namespace temporal::child
