// SPDX-License-Identifier: MIT
// How an attempt is brought to its end: by its own timeout, by the stop of the worker, by force.
#include <doctest/doctest.h>

#include <boost/asio/detached.hpp>

#include "supervisor/activity/attempt.hpp"
#include "tests/supervisor/activity/attempts.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;

namespace {

using Answers = std::vector<std::string>;

}  // namespace

TEST_CASE("what is killed because the worker stops is no crash of the activity's own") {
  AttemptWorld world;
  world.attempt->cancel(CancelReason::worker_shutdown);
  world.attempt->terminate();
  CHECK(world.activity().terminations == 1);
  auto killed = threw(ApplicationError("killed", {.type = "ActivityProcessKilled"}));
  killed.killed_here = true;
  world.end({killed});
  CHECK(failure_type(world) == "WorkerShutdown");
}

TEST_CASE("AC9 what fails by itself while the worker stops keeps its failure") {
  AttemptWorld world;
  world.attempt->cancel(CancelReason::worker_shutdown);
  world.attempt->terminate();
  world.end({threw(ApplicationError("no funds", {.type = "Declined", .non_retryable = true}))});
  CHECK(failure_type(world) == "Declined");
  CHECK(failure_of(world).application_failure_info().non_retryable());
}

TEST_CASE(
    "AC9 what nothing has ended is answered for when the worker leaves, once, with its last beat") {
  const std::vector<std::pair<CancelReason, std::string>> rows{
      {CancelReason::worker_shutdown, "failed token"},
      {CancelReason::paused, "failed token"},
      {CancelReason::requested, "canceled token"}};
  for (const auto& [reason, answer] : rows) {
    AttemptWorld world;
    world.beat("sent");
    world.activity().beat("kept back by the throttle");
    world.attempt->cancel(reason);
    world.attempt->terminate();
    world.abandon();
    CHECK(world.answers_in_its_place == 1);
    CHECK(world.service.answers == Answers{answer});
    if (reason == CancelReason::worker_shutdown) CHECK(failure_type(world) == "WorkerShutdown");
    if (reason != CancelReason::requested)
      CHECK(text_of(world.service.failed.at(0).last_heartbeat_details()) ==
            "kept back by the throttle");
    // It is nobody's now.
    world.beat("late");
    world.end({Returned{payloads("late")}});
    CHECK(world.over);
    CHECK(world.service.answers.size() == 1);
    CHECK(world.service.heartbeats.size() == 1);
  }
}

TEST_CASE("AC9 what the server has given up, or is answered already, is not answered for again") {
  AttemptWorld gone;
  gone.attempt->cancel(CancelReason::gone);
  gone.abandon();
  CHECK(gone.service.answers.empty());

  AttemptWorld answered;
  answered.attempt->cancel(CancelReason::worker_shutdown);
  answered.end({Returned{}});
  answered.abandon();
  CHECK(answered.service.answers == Answers{"completed token"});
  CHECK(answered.answers_in_its_place == 1);
}

TEST_CASE("AC9 an attempt that ends while it is answered for waits for that answer") {
  AttemptWorld world;
  world.attempt->cancel(CancelReason::worker_shutdown);
  bool arrived = false;
  Wakeup arrival(world.loop.get_executor());
  world.service.on_failed = [&]() -> boost::asio::awaitable<void> {
    while (!arrived) co_await arrival.wait();
  };
  world.abandon();
  world.end({ThrewCancelled{}});
  CHECK_FALSE(world.over);
  CHECK(world.answers_in_its_place == 0);
  arrived = true;
  arrival.notify();
  settle(world.loop);
  CHECK(world.over);
  CHECK(world.service.answers == Answers{"failed token"});
}

TEST_CASE(
    "E012 an activity that outstays its deadline is told, then ended, and nothing is reported") {
  auto task = activity_task("token");
  set(task.mutable_start_to_close_timeout(), 60s);
  AttemptWorld world(task);
  world.clock.advance(60s + 4999ms);
  CHECK(world.activity().cancels.empty());
  world.clock.advance(1ms);
  CHECK(world.activity().cancels == std::vector{CancelReason::timed_out});
  world.clock.advance(9999ms);
  CHECK(world.activity().terminations == 0);
  world.clock.advance(1ms);
  CHECK(world.activity().terminations == 1);
  CHECK_FALSE(world.over);
  world.end({threw(ApplicationError("killed", {.type = "ActivityProcessKilled"}))});
  CHECK(world.over);
  CHECK(world.service.answers.empty());
}

TEST_CASE("E012 a heartbeat deadline moves with each beat that reached the server, and only then") {
  auto task = activity_task("token");
  set(task.mutable_heartbeat_timeout(), 10s);
  AttemptWorld world(task);
  world.clock.advance(14s);
  world.beat("one");
  CHECK(world.service.heartbeats.size() == 1);
  world.clock.advance(14s);
  CHECK(world.activity().cancels.empty());

  world.service.before = [](std::string_view) { refuse(RpcCode::unavailable, "cut off"); };
  world.beat("two");
  CHECK(world.service.heartbeats.size() == 2);
  world.clock.advance(1s);
  CHECK(world.activity().cancels == std::vector{CancelReason::timed_out});
}

TEST_CASE("E012 no timeout, no deadline") {
  AttemptWorld world;
  world.clock.advance(1000h);
  CHECK(world.activity().cancels.empty());
  CHECK(world.activity().terminations == 0);
}

TEST_CASE("AC16 how long an activity may go on after its timeout can be set, for ever included") {
  for (const bool ever : {true, false}) {
    auto task = activity_task("token");
    set(task.mutable_start_to_close_timeout(), 60s);
    AttemptWorld world(task);
    world.settings.local_timeout_buffer = 1s;
    world.settings.timeout_grace = std::nullopt;
    if (ever) world.settings.timeout_grace = 2s;
    world.clock.advance(61s);
    CHECK(world.activity().cancels == std::vector{CancelReason::timed_out});
    world.clock.advance(1999ms);
    CHECK(world.activity().terminations == 0);
    world.clock.advance(1min);
    CHECK(world.activity().terminations == (ever ? 1 : 0));
  }
}

TEST_CASE("who ignores a cancellation is ended by force only where a grace is set") {
  for (auto reason : {CancelReason::requested, CancelReason::paused, CancelReason::reset,
                      CancelReason::gone, CancelReason::worker_shutdown}) {
    AttemptWorld patient;
    patient.attempt->cancel(reason);
    patient.clock.advance(10min);
    CHECK(patient.activity().terminations == 0);

    AttemptWorld world;
    world.settings.cancel_grace = 5s;
    world.attempt->cancel(reason);
    world.clock.advance(4s);
    CHECK(world.activity().terminations == 0);
    world.clock.advance(1min);
    // The stop of the worker has steps of its own.
    CHECK(world.activity().terminations == (reason == CancelReason::worker_shutdown ? 0 : 1));
  }
}

TEST_CASE("LC10 an operator ends what has a process, and is told of what has none") {
  AttemptWorld world;
  CHECK(world.attempt->kill());
  CHECK(world.activity().kills == 1);
  CHECK(world.activity().terminations == 0);
  auto died = threw(ApplicationError("killed by an operator", {.type = "ActivityProcessKilled"}));
  died.killed_here = true;
  world.end({died});
  CHECK(failure_type(world) == "ActivityProcessKilled");
  CHECK_FALSE(world.attempt->kill());

  AttemptWorld on_a_loop;
  on_a_loop.activity().has_process = false;
  CHECK_FALSE(on_a_loop.attempt->kill());
}

TEST_CASE("OB9 an attempt says what it is, where it runs and for how long") {
  AttemptWorld world;
  world.clock.advance(3s);
  const auto view = world.attempt->view();
  CHECK(view["activity_type"] == "charge");
  CHECK(view["activity_id"] == "7");
  CHECK(view["workflow_id"] == "w");
  CHECK(view["attempt"] == 1);
  CHECK(view["pid"] == 4711);
  CHECK(view["age_ms"] == 3000);
  CHECK(view["heartbeat_ms"] == 3000);
}

TEST_CASE("an activity that takes long is noted, once, where it may take its time") {
  for (const bool may_block : {true, false}) {
    AttemptWorld world;  // its attempt only lends the settings
    struct Home final : supervisor::Executor {
      Home(FakeExecutor& executor, bool block) : inner(executor), blocks(block) {}
      boost::asio::awaitable<Ending> run(const ActivityTask& task, Link link) override {
        return inner.run(task, std::move(link));
      }
      [[nodiscard]] bool may_block() const noexcept override { return blocks; }
      FakeExecutor& inner;
      bool blocks;
    } home(world.executor, may_block);
    world.settings.slow_task = 10s;
    Attempt attempt(world.settings, activity_task("slow"));
    boost::asio::co_spawn(world.loop, attempt.run(home), boost::asio::detached);
    settle(world.loop);
    world.clock.advance(9s);
    attempt.look();
    CHECK(world.log.count(LogLevel::info) == 0);
    for (int i = 0; i < 3; ++i) {
      world.clock.advance(1s);
      attempt.look();
    }
    CHECK(world.log.count(LogLevel::info) == (may_block ? 1 : 0));
    world.end({Returned{}});
    world.clock.advance(100s);
    attempt.look();
    CHECK(world.log.count(LogLevel::info) == (may_block ? 1 : 0));
  }
}
