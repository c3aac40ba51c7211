// SPDX-License-Identifier: MIT
#include "child/child_context.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "shared/activity_info.hpp"
#include "shared/payload_proto.hpp"

namespace temporal::child {
namespace {

constexpr std::size_t kLongestLogText = 8 * 1024;

// How long an activity that ends may wait for its stopper, and how often a wait looks at both words.
constexpr auto kLookAgain = std::chrono::milliseconds(20);

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
      logger_(surroundings, start.task()),
      metrics_(surroundings, start.task()) {}

void ChildContext::heartbeat(std::string_view encoding, std::string_view details) {
  if (!surroundings_.heartbeats.write(encoding, details))
    throw std::length_error(
        "heartbeat details of " + std::to_string(details.size()) + " bytes are over the limit of " +
        std::to_string(ipc::kHeartbeatDetailsLimit) + "; store large state elsewhere");
  progress();
  // False only for a descriptor that user code closed: the supervisor's sweep finds the heartbeat
  // then.
  if (surroundings_.heartbeat_ringer.must_ring()) (void)ipc::ring(surroundings_.supervisor_bell);
  metrics_.flush_if_due();
}

// Two threads at once may count for one: what is asked is only whether it moves.
void ChildContext::progress() noexcept {
  auto& progress = surroundings_.arena.status().progress;
  progress.store(progress.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

std::optional<CancelReason> ChildContext::cancel_reason() const noexcept {
  auto reasons = cancel_.reasons();
  if (reasons == 0) return std::nullopt;
  return static_cast<CancelReason>(std::countr_zero(reasons));
}

std::stop_token ChildContext::stop_token() {
  if (!stopper_.joinable()) {
    stop_ = std::stop_source();
    stopper_ = std::jthread([this](const std::stop_token& over) {
      while (!over.stop_requested())
        if (cancel_.wait(kLookAgain) != 0) {
          stop_.request_stop();
          return;
        }
    });
  }
  return stop_.get_token();
}

bool ChildContext::wait_cancelled(Duration timeout) { return cancel_.wait(timeout) != 0; }

bool ChildContext::worker_shutdown() const noexcept {
  return surroundings_.arena.control().notice.load() != 0;
}

bool ChildContext::wait_worker_shutdown(Duration timeout) {
  using Clock = std::chrono::steady_clock;
  const auto& notice = surroundings_.arena.control().notice;
  const auto since = Clock::now();
  for (;;) {
    const auto left = timeout - (Clock::now() - since);
    if (ipc::wait_notice(notice, std::min<Duration>(left, kLookAgain)) || cancel_.reasons() != 0)
      return true;
    if (left <= kLookAgain) return false;
  }
}

boost::asio::awaitable<bool> ChildContext::async_wait_worker_shutdown(Duration) {
  throw std::logic_error(
      "async_wait_worker_shutdown() is for coroutine activities; here wait_worker_shutdown() may "
      "block");
}

}  // namespace temporal::child
