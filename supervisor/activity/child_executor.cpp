// SPDX-License-Identifier: MIT
#include "supervisor/activity/child_executor.hpp"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <span>
#include <type_traits>
#include <variant>

#include "shared/payload_proto.hpp"
#include "supervisor/activity/heartbeat.hpp"
#include "supervisor/activity/start.hpp"
#include "supervisor/observe/user_metrics.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

// A child may have written anything.
void take_metric(UserMetrics& metrics, const child::v1::Metric& said) {
  MetricLabels labels;
  for (int i = 0; i + 1 < said.labels_size(); i += 2)
    labels.emplace_back(said.labels(i), said.labels(i + 1));
  const auto kind = static_cast<MetricKind>(std::clamp(said.kind(), 0, 2));
  const std::span values(said.values().data(), static_cast<std::size_t>(said.values_size()));
  metrics.record_all(kind, said.name(), values, labels);
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
  bool kill() override {
    handle_.kill();
    return true;
  }
  [[nodiscard]] pid_t pid() const override { return handle_.pid(); }
  [[nodiscard]] std::uint32_t incarnation() const override { return handle_.incarnation(); }
  std::optional<api::common::v1::Payloads> take_heartbeat() override {
    auto beat = handle_.take_heartbeat();
    return beat ? std::optional(payloads_of(std::move(*beat))) : std::nullopt;
  }
  std::uint64_t progress() const override { return handle_.progress(); }

 private:
  children::AttemptHandle& handle_;
  CancelReason reason_ = CancelReason::requested;
};

Ending ending_of(children::Outcome outcome) {
  return std::visit(
      [](auto&& how) -> Ending {
        using How = std::decay_t<decltype(how)>;
        if constexpr (std::is_same_v<How, children::Completed>) {
          // A child spares the way for it; the server and other SDKs expect it to be there.
          if (how.result.payloads().empty())
            to_proto(temporal::detail::null_payload(), how.result.add_payloads());
          return {Returned{std::move(how.result)}};
        } else if constexpr (std::is_same_v<How, children::Canceled>) {
          return {ThrewCancelled{std::move(how.details)}};
        } else if constexpr (std::is_same_v<How, children::Async>) {
          return {CompletesLater{}};
        } else if constexpr (std::is_same_v<How, children::Died>) {
          return {Threw{.failure = std::move(how.failure),
                        .killed_here = how.killed_here,
                        .died = !how.killed_here && !how.beside}};
        } else {
          return {Threw{std::move(how.failure)}};
        }
      },
      std::move(outcome));
}

}  // namespace

asio::awaitable<Ending> ChildExecutor::run(const ActivityTask& task, Link link) {
  const auto share = link.local ? children::Share::offload : children::Share::polled;
  return run_start(start_of(task, task_queue_, link.local), std::move(link), share);
}

asio::awaitable<Ending> ChildExecutor::run_offloaded(child::v1::Start start, Link link) {
  return run_start(std::move(start), std::move(link), children::Share::offload);
}

asio::awaitable<Ending> ChildExecutor::run_start(child::v1::Start start, Link link,
                                                 children::Share share) {
  children::AttemptHandle handle;
  TaskLog log(log_, ids_of(start));
  handle.on_heartbeat = std::move(link.heartbeat);
  handle.term_grace = link.term_grace;
  handle.memory = link.memory;
  handle.on_started = [&] {
    log.debug("an activity runs in a child", {{"pid", handle.pid()}});
    // Who asked for heartbeats before there was a child asks again.
    if (handle.on_heartbeat) handle.on_heartbeat();
  };
  handle.on_log = [&](const child::v1::Log& said) {
    LogFields line{{"pid", handle.pid()}};
    auto fields = nlohmann::json::parse(said.fields_json(), nullptr, false);
    if (fields.is_object()) line.update(fields);
    log.write(static_cast<LogLevel>(std::clamp(said.level(), 0, 3)), said.message(), line);
  };
  if (link.metrics)
    handle.on_metric = [&](const child::v1::Metric& said) { take_metric(*link.metrics, said); };
  InChild execution(handle);
  link.started(execution);
  auto ending = ending_of(co_await pool_.run(std::move(start), handle, share));
  ending.last_heartbeat = execution.take_heartbeat();
  co_return ending;
}

}  // namespace temporal::supervisor
