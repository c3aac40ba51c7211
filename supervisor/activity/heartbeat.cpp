// SPDX-License-Identifier: MIT
#include "supervisor/activity/heartbeat.hpp"

#include <algorithm>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;

api::common::v1::Payloads payloads_of(ipc::Heartbeat beat) {
  api::common::v1::Payloads payloads;
  if (beat.encoding.empty()) return payloads;
  auto* payload = payloads.add_payloads();
  (*payload->mutable_metadata())["encoding"] = std::move(beat.encoding);
  payload->set_data(std::move(beat.details));
  return payloads;
}

std::chrono::nanoseconds heartbeat_interval(std::chrono::nanoseconds timeout,
                                            HeartbeatThrottle throttle) {
  const HeartbeatThrottle standard;
  const auto most = throttle.most > 0ms ? throttle.most : standard.most;
  const auto unwatched = throttle.unwatched > 0ms ? throttle.unwatched : standard.unwatched;
  if (timeout <= 0ns) return std::min(unwatched, most);
  return std::min<std::chrono::nanoseconds>(timeout / 10 * 8, most);
}

Heartbeat::Heartbeat(asio::any_io_executor core, WorkflowService& service, Logger& log,
                     Clock& clock, Task task)
    : service_(service),
      log_(log),
      clock_(clock),
      task_(std::move(task)),
      arrived_(std::move(core)) {}

asio::awaitable<void> Heartbeat::run(std::optional<api::common::v1::Payloads> first, Take take,
                                     std::function<void(CancelReason)> on_cancel) {
  for (auto details = std::move(first);; details = take()) {
    if (!details) {
      co_await arrived_.wait();
      continue;
    }
    unsent_ = std::move(details);
    if (auto reason = co_await send(*unsent_)) on_cancel(*reason);
    co_await clock_.pause(task_.interval);
  }
}

asio::awaitable<std::optional<CancelReason>> Heartbeat::send(
    const api::common::v1::Payloads& details) {
  ws::RecordActivityTaskHeartbeatRequest request;
  request.set_task_token(task_.token);
  request.set_namespace_(task_.name_space);
  request.set_identity(task_.identity);
  *request.mutable_details() = details;
  try {
    auto reply = co_await service_.record_activity_task_heartbeat(std::move(request));
    last_sent_ = clock_.now();
    unsent_.reset();
    if (reply.cancel_requested()) co_return CancelReason::requested;
    if (reply.activity_reset()) co_return CancelReason::reset;
    if (reply.activity_paused()) co_return CancelReason::paused;
  } catch (const RpcError& error) {
    if (error.code() == RpcCode::not_found) co_return CancelReason::gone;
    auto line = task_.ids();
    line["error"] = error.what();
    log_.warn(
        "a heartbeat did not reach the server; the next one is tried in its turn, and without one "
        "the activity's heartbeat timeout ends the attempt",
        line);
  }
  co_return std::nullopt;
}

}  // namespace temporal::supervisor
