// SPDX-License-Identifier: MIT
// Local activities from the call to its end: attempts, time limits, cancellation, and the worker's stop.
#include "supervisor/tasks/local_calls.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "supervisor/workflow/local_retry.hpp"
#include "temporal/module.hpp"
#include "tests/supervisor/activity/attempts.hpp"

namespace local_calls_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace enums = api::enums::v1;

std::string charge() { return {}; }

/// One run's calls on an executor that does what the test says.
struct World {
  explicit World(int places = 10) {
    module.activity<charge>({.executor = temporal::Executor::threads});
    locals = std::make_unique<LocalCalls>(LocalCallSettings{.core = loop.get_executor(),
                                                            .metrics = metrics,
                                                            .log = log,
                                                            .name_space = "shop",
                                                            .places = places,
                                                            .cancel_grace = 20ms,
                                                            .timeout_grace = 20ms},
                                          module, Executors{nullptr, &executor, nullptr});
    calls.emplace(*locals, LocalCalls::Owner{"w", "r", "Order"});
  }
  ~World() {
    calls.reset();
    for (auto& execution : executor.executions) execution.end({CompletesLater{}});
    wait_for(locals->drained());
  }

  static engine::LocalCall call(std::uint32_t seq, const std::string& type = "charge") {
    engine::LocalCall call;
    call.seq = seq;
    call.activity_id = std::to_string(seq);
    call.activity_type = type;
    call.retry_threshold = 60s;
    to_proto(1ms, call.retry.mutable_initial_interval());
    engine::complete_retry_policy(call.retry);
    return call;
  }
  void start(engine::LocalCall call) {
    std::vector<engine::LocalCall> one;
    one.push_back(std::move(call));
    calls->start(std::move(one));
    settle(loop);
  }
  LocalCalls::Run::Next next(std::chrono::milliseconds patience = 10s) {
    LocalCalls::Run::Next next;
    wait_for(take(next, std::chrono::steady_clock::now() + patience));
    return next;
  }
  boost::asio::awaitable<void> take(LocalCalls::Run::Next& into,
                                    std::chrono::steady_clock::time_point until) {
    into = co_await calls->next(until);
  }
  // Others on the loop go on waiting.
  void wait_for(boost::asio::awaitable<void> what) {
    bool done = false;
    boost::asio::co_spawn(loop, std::move(what), [&](std::exception_ptr) { done = true; });
    loop.restart();
    while (!done) loop.run_one();
  }
  engine::LocalResult result() {
    auto next_one = next();
    REQUIRE(next_one.result);
    return std::move(*next_one.result);
  }
  void until_started(std::size_t count) {
    loop.restart();
    while (executor.executions.size() < count) loop.run_one();
  }

  boost::asio::io_context loop{1};
  RecordingLog log;
  MetricRegistry registry;
  WorkerMetrics metrics{registry, "shop", "queue", log};
  Module module;
  FakeExecutor executor{loop};
  std::unique_ptr<LocalCalls> locals;
  std::optional<LocalCalls::Run> calls;
};

const api::failure::v1::Failure& failure_of(const engine::LocalResult& result) {
  REQUIRE(std::holds_alternative<api::failure::v1::Failure>(result.outcome));
  return std::get<api::failure::v1::Failure>(result.outcome);
}

TEST_CASE("what it returns is reported with its attempt and how long it took") {
  World world;
  world.start(World::call(3));
  world.executor.newest().end({Returned{payloads("paid")}});
  const auto result = world.result();
  CHECK(result.seq == 3);
  CHECK(result.attempt == 1);
  CHECK(result.scheduled);
  CHECK(result.run_time > 0ns);
  CHECK(text_of(std::get<api::common::v1::Payloads>(result.outcome)) == "paid");
  CHECK(world.locals->running() == 0);
}

TEST_CASE("O004 what fails is tried again here, until the next attempt would be due too late") {
  World world;
  auto call = World::call(1);
  call.retry_threshold = 3ms;
  world.start(std::move(call));
  for (int attempt = 1; attempt <= 3; ++attempt) {
    world.until_started(attempt);
    world.executor.newest().end({threw(ApplicationError("not now"))});
  }
  const auto result = world.result();
  CHECK(result.attempt == 3);
  CHECK(result.backoff == 4ms);
  CHECK(failure_of(result).message() == "not now");
}

TEST_CASE("O008 an attempt that takes too long is given up, asked to stop and then ended") {
  World world;
  auto call = World::call(1);
  call.start_to_close_timeout = 5ms;
  call.retry.set_maximum_attempts(1);
  world.start(std::move(call));
  const auto result = world.result();
  CHECK(failure_of(result).timeout_failure_info().timeout_type() ==
        enums::TIMEOUT_TYPE_START_TO_CLOSE);
  auto& execution = world.executor.newest();
  CHECK(execution.cancels == std::vector{CancelReason::timed_out});
  CHECK(world.locals->running() == 1);
  world.loop.restart();
  while (execution.terminations == 0) world.loop.run_one();
}

TEST_CASE("O008 the time for all attempts ends it for good, and so does waiting for a place") {
  World world(1);
  auto whole = World::call(1);
  whole.schedule_to_close_timeout = 5ms;
  world.start(std::move(whole));
  CHECK(failure_of(world.result()).timeout_failure_info().timeout_type() ==
        enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE);
  auto waiting = World::call(2);  // the first one still has the only place
  waiting.schedule_to_start_timeout = 5ms;
  world.start(std::move(waiting));
  CHECK(failure_of(world.result()).timeout_failure_info().timeout_type() ==
        enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
  CHECK(world.executor.executions.size() == 1);
}

TEST_CASE("a place that comes free is given to who waits, in turn") {
  World world(1);
  world.start(World::call(1));
  world.start(World::call(2));
  CHECK(world.executor.executions.size() == 1);
  world.executor.newest().end({Returned{payloads("one")}});
  CHECK(world.result().seq == 1);
  world.until_started(2);
  world.executor.newest().end({Returned{payloads("two")}});
  CHECK(world.result().seq == 2);
}

TEST_CASE("O009 one that is waited for is asked to stop, and its own end is reported") {
  World world;
  world.start(World::call(1));
  world.calls->cancel({{.seq = 1, .ask = true, .wanted = true}});
  settle(world.loop);
  CHECK(world.executor.newest().cancels == std::vector{CancelReason::requested});
  world.executor.newest().end({ThrewCancelled{payloads("half done")}});
  const auto result = world.result();
  REQUIRE(failure_of(result).has_canceled_failure_info());
  CHECK(text_of(failure_of(result).canceled_failure_info().details()) == "half done");
}

TEST_CASE("O009 one that was cancelled before it came here ends so without having run") {
  World world;
  auto call = World::call(1);
  call.cancelled = true;
  world.start(std::move(call));
  CHECK(failure_of(world.result()).has_canceled_failure_info());
  CHECK(world.executor.executions.empty());
}

TEST_CASE("O009 one that fails after it was asked to stop is not tried again") {
  World world;
  world.start(World::call(1));
  world.calls->cancel({{.seq = 1, .ask = true, .wanted = true}});
  world.executor.newest().end({threw(ApplicationError("too late"))});
  CHECK(failure_of(world.result()).message() == "too late");
}

TEST_CASE("O009 the end of one that was left is nobody's; the abandoned is not even asked") {
  for (const bool ask : {true, false}) {
    World world;
    world.start(World::call(1));
    world.calls->cancel({{.seq = 1, .ask = ask}});
    settle(world.loop);
    CHECK(world.executor.newest().cancels.size() == (ask ? 1 : 0));
    world.executor.newest().end({Returned{payloads("anyway")}});
    settle(world.loop);
    CHECK_FALSE(world.next(1ms).result);
    world.calls.reset();
    CHECK(world.executor.newest().cancels.size() == (ask ? 1 : 0));
  }
}

TEST_CASE("one that is cancelled while it waits for its next attempt ends at once") {
  World world;
  auto call = World::call(1);
  to_proto(1h, call.retry.mutable_initial_interval());
  to_proto(1h, call.retry.mutable_maximum_interval());
  call.retry_threshold = 2h;
  world.start(std::move(call));
  world.executor.newest().end({threw(ApplicationError("not now"))});
  settle(world.loop);
  world.calls->cancel({{.seq = 1, .ask = true, .wanted = true}});
  CHECK(failure_of(world.result()).has_canceled_failure_info());
}

TEST_CASE("O012 what runs when its run is over is asked to stop") {
  World world;
  world.start(World::call(1));
  world.calls.reset();
  CHECK(world.executor.newest().cancels == std::vector{CancelReason::gone});
}

TEST_CASE("O013 an unknown name is answered with the names there are, and tried again") {
  World world;
  auto call = World::call(1, "change");
  call.retry.set_maximum_attempts(2);
  world.start(std::move(call));
  const auto result = world.result();
  CHECK(result.attempt == 2);
  CHECK(failure_of(result).message() == "this worker has no activity 'change'; it has: charge");
  CHECK(failure_of(result).application_failure_info().type() == "NotFoundError");
}

TEST_CASE("O019 a stop cancels what runs, and its run is told that nothing more comes") {
  World world;
  world.start(World::call(1));
  world.locals->notify_shutdown();
  CHECK(world.executor.newest().notices == 1);
  world.locals->stop();
  CHECK(world.next().stopped);
  CHECK(world.executor.newest().cancels == std::vector{CancelReason::worker_shutdown});
  world.locals->terminate_all();
  CHECK(world.executor.newest().terminations == 1);
}

TEST_CASE("nobody can complete a local activity from elsewhere") {
  World world;
  world.start(World::call(1));
  world.executor.newest().end({CompletesLater{}});
  const auto result = world.result();
  CHECK(failure_of(result).application_failure_info().type() == "CompleteAsync");
  CHECK(failure_of(result).application_failure_info().non_retryable());
}

TEST_CASE("attempts after the first are counted from the first renewal on") {
  World world;
  world.start(World::call(1));
  world.executor.newest().end({threw(ApplicationError("not now"))});
  world.until_started(2);
  CHECK(world.calls->take_retries() == 0);
  world.calls->renewed();
  world.executor.newest().end({threw(ApplicationError("not now"))});
  world.until_started(3);
  CHECK(world.calls->take_retries() == 1);
  CHECK(world.calls->take_retries() == 0);
}

}  // namespace local_calls_test
