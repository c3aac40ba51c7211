// SPDX-License-Identifier: MIT
// What the tests of attempts share: an activity that does what the test says, and a world around it
// in which time stands still.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/activity/attempt.hpp"
#include "tests/fake_server/fake_clock.hpp"
#include "tests/fake_server/fake_service.hpp"
#include "tests/fake_server/recording_log.hpp"

namespace temporal::test {

inline api::common::v1::Payloads payloads(const std::string& text) {
  api::common::v1::Payloads proto;
  to_proto(Payloads{to_payload(text)}, &proto);
  return proto;
}

inline std::string text_of(const api::common::v1::Payloads& proto) {
  return proto.payloads_size() == 0 ? "" : from_payload<std::string>(from_proto(proto)[0]);
}

template <class Thrown>
supervisor::Threw threw(const Thrown& error) {
  supervisor::Threw ending;
  to_failure_proto(std::make_exception_ptr(error), &ending.failure);
  return ending;
}

/// Runs until the test calls end().
class FakeExecution final : public supervisor::Execution {
 public:
  FakeExecution(boost::asio::any_io_executor core, supervisor::Link link)
      : link_(std::move(link)), over_(std::move(core)) {}

  // --- the test ---
  void end(supervisor::Ending ending) {
    ending_ = std::move(ending);
    over_.notify();
  }
  void beat(const std::string& details) {
    newest_ = payloads(details);
    link_.heartbeat();
  }

  std::vector<CancelReason> cancels;
  int notices = 0;
  int terminations = 0;
  std::uint64_t steps = 0;  // progress
  [[nodiscard]] const supervisor::Link& link() const { return link_; }
  int kills = 0;
  bool has_process = true;

  // --- the attempt ---
  void cancel(CancelReason reason) override { cancels.push_back(reason); }
  void notify_shutdown() override { ++notices; }
  void terminate() override { ++terminations; }
  bool kill() override {
    kills += has_process;
    return has_process;
  }
  [[nodiscard]] pid_t pid() const override { return has_process ? 4711 : 0; }
  std::optional<api::common::v1::Payloads> take_heartbeat() override {
    return std::exchange(newest_, std::nullopt);
  }
  std::uint64_t progress() const override { return steps; }

  boost::asio::awaitable<supervisor::Ending> run() {
    link_.started(*this);
    while (!ending_) co_await over_.wait();
    ending_->last_heartbeat = take_heartbeat();
    co_return std::move(*ending_);
  }

 private:
  supervisor::Link link_;
  std::optional<api::common::v1::Payloads> newest_;
  std::optional<supervisor::Ending> ending_;
  supervisor::Wakeup over_;
};

class FakeExecutor final : public supervisor::Executor {
 public:
  explicit FakeExecutor(boost::asio::io_context& loop) : core_(loop.get_executor()) {}
  boost::asio::awaitable<supervisor::Ending> run(const supervisor::ActivityTask& task,
                                                 supervisor::Link link) override {
    started.push_back(task.task_token());
    co_return co_await executions.emplace_back(core_, std::move(link)).run();
  }
  [[nodiscard]] FakeExecution& newest() { return executions.back(); }

  std::vector<std::string> started;
  std::deque<FakeExecution> executions;

 private:
  boost::asio::any_io_executor core_;
};

inline supervisor::ActivityTask activity_task(const std::string& token,
                                              const std::string& type = "charge") {
  supervisor::ActivityTask task;
  task.set_task_token(token);
  task.set_activity_id("7");
  task.mutable_activity_type()->set_name(type);
  task.mutable_workflow_execution()->set_workflow_id("w");
  task.mutable_workflow_execution()->set_run_id("r");
  task.set_attempt(1);
  return task;
}

inline void set(google::protobuf::Duration* proto, Duration duration) { to_proto(duration, proto); }

/// One attempt in a world of its own.
struct AttemptWorld {
  boost::asio::io_context loop{1};
  FakeService service{loop};
  RecordingLog log;
  FakeClock clock{loop};
  supervisor::MetricRegistry registry;
  supervisor::WorkerMetrics metrics{registry, "shop", "queue", log};
  supervisor::AttemptSettings settings{.core = loop.get_executor(),
                                       .service = service,
                                       .log = log,
                                       .metrics = metrics,
                                       .name_space = "shop",
                                       .task_queue = "queue",
                                       .identity = "1@host",
                                       .clock = clock};
  FakeExecutor executor{loop};
  std::unique_ptr<supervisor::Attempt> attempt;
  bool over = false;
  int answers_in_its_place = 0;

  explicit AttemptWorld(supervisor::ActivityTask task = activity_task("token"),
                        const temporal::detail::ActivityDefinition* activity = nullptr) {
    attempt = std::make_unique<supervisor::Attempt>(settings, std::move(task), false, activity);
    boost::asio::co_spawn(loop, attempt->run(executor), [this](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
      over = true;
    });
    boost::asio::co_spawn(loop, look_each_second(), boost::asio::detached);
    settle(loop);
  }
  // What still runs refers to all of the above.
  ~AttemptWorld() {
    for (auto& execution : executor.executions) execution.end({supervisor::CompletesLater{}});
    settle(loop);
    clock.advance(std::chrono::seconds(1));
  }

  boost::asio::awaitable<void> look_each_second() {
    while (!over) {
      attempt->look();
      co_await clock.pause(std::chrono::seconds(1));
    }
  }
  FakeExecution& activity() { return executor.newest(); }
  void beat(const std::string& details) {
    activity().beat(details);
    settle(loop);
  }
  void abandon() {
    attempt->abandon([this] { ++answers_in_its_place; });
    settle(loop);
  }
  void end(supervisor::Ending ending) {
    activity().end(std::move(ending));
    settle(loop);
  }
};

/// The only one that was reported.
inline const api::failure::v1::Failure& failure_of(const AttemptWorld& world) {
  REQUIRE(world.service.failed.size() == 1);
  return world.service.failed[0].failure();
}

inline std::string failure_type(const AttemptWorld& world) {
  return failure_of(world).application_failure_info().type();
}

}  // namespace temporal::test
