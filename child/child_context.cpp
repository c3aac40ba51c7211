// SPDX-License-Identifier: MIT
#include "child/child_context.hpp"

#include <bit>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "shared/payload_proto.hpp"

namespace temporal::child {
namespace {

// Enough for the largest answer: log records never take what a result needs.
constexpr std::uint32_t kReservedForAnswers = 2 * ipc::kInlineLimit;
constexpr std::size_t kLongestLogText = 8 * 1024;

Time time_of(std::int64_t nanoseconds) { return Time(Duration(nanoseconds)); }

activity::Info info_of(const v1::Start& start) {
  activity::Info info;
  info.activity_id = start.activity_id();
  info.activity_type = start.activity_type();
  info.workflow_id = start.workflow_id();
  info.run_id = start.run_id();
  info.workflow_type = start.workflow_type();
  info.workflow_namespace = start.workflow_namespace();
  info.task_queue = start.task_queue();
  info.task_token = start.task_token();
  info.attempt = start.attempt();
  info.scheduled_time = time_of(start.scheduled_time_ns());
  info.current_attempt_scheduled_time = time_of(start.current_attempt_scheduled_time_ns());
  info.started_time = time_of(start.started_time_ns());
  info.schedule_to_close_timeout = Duration(start.schedule_to_close_timeout_ns());
  info.start_to_close_timeout = Duration(start.start_to_close_timeout_ns());
  info.heartbeat_timeout = Duration(start.heartbeat_timeout_ns());
  if (start.has_header()) info.headers = from_proto(start.header().fields());
  return info;
}

}  // namespace

void TaskLogger::write(LogLevel level, std::string_view message, const LogFields& fields) {
  using Replace = nlohmann::json::error_handler_t;
  v1::Log log;
  log.set_task(task_);
  log.set_level(static_cast<int>(level));
  log.set_message(std::string(message.substr(0, kLongestLogText)));
  if (!fields.empty()) {
    auto text = fields.dump(-1, ' ', false, Replace::replace);
    if (text.size() <= kLongestLogText) log.set_fields_json(std::move(text));
  }
  auto now = std::chrono::system_clock::now().time_since_epoch();
  log.set_time_ns(std::chrono::duration_cast<Duration>(now).count());
  auto sent = surroundings_.channel.send_if_room(ipc::RecordType::log, log, kReservedForAnswers);
  if (sent != ipc::Send::done) {
    auto& dropped = surroundings_.arena.status().dropped_logs;
    dropped.store(dropped.load() + 1);
  }
}

ChildContext::ChildContext(Surroundings& surroundings, const v1::Start& start)
    : surroundings_(surroundings),
      cancel_(surroundings.arena.control().cancel, start.task()),
      info_(info_of(start)),
      last_heartbeat_(from_proto(start.heartbeat_details())),
      logger_(surroundings, start.task()) {}

void ChildContext::heartbeat(std::string_view encoding, std::string_view details) {
  if (!surroundings_.heartbeats.write(encoding, details))
    throw std::length_error(
        "heartbeat details of " + std::to_string(details.size()) + " bytes are over the limit of " +
        std::to_string(ipc::kHeartbeatDetailsLimit) + "; store large state elsewhere");
  auto& progress = surroundings_.arena.status().progress;
  progress.store(progress.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  // False only for a descriptor that user code closed: the supervisor's sweep finds the heartbeat
  // then.
  if (surroundings_.heartbeat_ringer.must_ring()) (void)ipc::ring(surroundings_.supervisor_bell);
}

std::optional<CancelReason> ChildContext::cancel_reason() const noexcept {
  auto reasons = cancel_.reasons();
  if (reasons == 0) return std::nullopt;
  return static_cast<CancelReason>(std::countr_zero(reasons));
}

bool ChildContext::wait_cancelled(Duration timeout) { return cancel_.wait(timeout) != 0; }

bool ChildContext::worker_shutdown() const noexcept {
  return surroundings_.arena.control().notice.load() != 0;
}

}  // namespace temporal::child
