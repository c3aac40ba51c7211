// SPDX-License-Identifier: MIT
#include "supervisor/activity/child_executor.hpp"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <type_traits>
#include <variant>

#include "shared/payload_proto.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

child::v1::Start start_of(const ActivityTask& task, const std::string& task_queue) {
  child::v1::Start start;
  start.set_activity_type(task.activity_type().name());
  *start.mutable_input() = task.input();
  if (task.has_heartbeat_details()) *start.mutable_heartbeat_details() = task.heartbeat_details();
  *start.mutable_header() = task.header();
  start.set_activity_id(task.activity_id());
  start.set_workflow_id(task.workflow_execution().workflow_id());
  start.set_run_id(task.workflow_execution().run_id());
  start.set_workflow_type(task.workflow_type().name());
  start.set_workflow_namespace(task.workflow_namespace());
  start.set_task_queue(task_queue);
  start.set_task_token(task.task_token());
  start.set_attempt(task.attempt());
  const auto since_epoch = [](const auto& stamp) {
    return from_proto(stamp).time_since_epoch().count();
  };
  start.set_scheduled_time_ns(since_epoch(task.scheduled_time()));
  start.set_current_attempt_scheduled_time_ns(since_epoch(task.current_attempt_scheduled_time()));
  start.set_started_time_ns(since_epoch(task.started_time()));
  start.set_schedule_to_close_timeout_ns(from_proto(task.schedule_to_close_timeout()).count());
  start.set_start_to_close_timeout_ns(from_proto(task.start_to_close_timeout()).count());
  start.set_heartbeat_timeout_ns(from_proto(task.heartbeat_timeout()).count());
  return start;
}

// The slot holds bytes and the name of their encoding; what the server wants is built here, when it is sent.
std::optional<api::common::v1::Payloads> payloads_of(std::optional<ipc::Heartbeat> heartbeat) {
  if (!heartbeat) return std::nullopt;
  api::common::v1::Payloads payloads;
  if (!heartbeat->encoding.empty()) {
    auto* payload = payloads.add_payloads();
    (*payload->mutable_metadata())["encoding"] = std::move(heartbeat->encoding);
    payload->set_data(std::move(heartbeat->details));
  }
  return payloads;
}

class InChild final : public Execution {
 public:
  explicit InChild(children::AttemptHandle& handle) : handle_(handle) {}
  void cancel(CancelReason reason) override {
    reason_ = reason;
    handle_.cancel(reason);
  }
  void notify_shutdown() override {}  // the pool tells all its children
  void terminate() override {
    using children::KillReason;
    handle_.terminate(reason_ == CancelReason::worker_shutdown ? KillReason::worker_shutdown
                      : reason_ == CancelReason::timed_out     ? KillReason::timed_out
                                                               : KillReason::cancelled);
  }
  std::optional<api::common::v1::Payloads> take_heartbeat() override {
    return payloads_of(handle_.take_heartbeat());
  }

 private:
  children::AttemptHandle& handle_;
  CancelReason reason_ = CancelReason::requested;
};

Ending ending_of(children::Outcome outcome) {
  return std::visit(
      [](auto&& how) -> Ending {
        using How = std::decay_t<decltype(how)>;
        if constexpr (std::is_same_v<How, children::Completed>) {
          return {Returned{std::move(how.result)}};
        } else if constexpr (std::is_same_v<How, children::Canceled>) {
          return {ThrewCancelled{std::move(how.details)}};
        } else if constexpr (std::is_same_v<How, children::Async>) {
          return {CompletesLater{}};
        } else {
          return {Threw{std::move(how.failure)}};
        }
      },
      std::move(outcome));
}

}  // namespace

asio::awaitable<Ending> ChildExecutor::run(const ActivityTask& task, Link link) {
  children::AttemptHandle handle;
  const LogFields ids{{"activity_type", task.activity_type().name()},
                      {"activity_id", task.activity_id()},
                      {"workflow_id", task.workflow_execution().workflow_id()},
                      {"run_id", task.workflow_execution().run_id()},
                      {"attempt", task.attempt()}};
  handle.on_heartbeat = std::move(link.heartbeat);
  handle.on_started = [&] {
    auto line = ids;
    line["pid"] = handle.pid();
    log_.debug("an activity runs in a child", line);
  };
  handle.on_log = [&](const child::v1::Log& said) {
    auto line = ids;
    line["pid"] = handle.pid();
    auto fields = nlohmann::json::parse(said.fields_json(), nullptr, false);
    if (fields.is_object()) line.update(fields);
    log_.write(static_cast<LogLevel>(std::clamp(said.level(), 0, 3)), said.message(), line);
  };
  InChild execution(handle);
  link.started(execution);
  auto ending = ending_of(co_await pool_.run(start_of(task, task_queue_), handle));
  ending.last_heartbeat = payloads_of(handle.take_heartbeat());
  co_return ending;
}

}  // namespace temporal::supervisor
