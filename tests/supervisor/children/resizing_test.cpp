// SPDX-License-Identifier: MIT
// An operator looks at a pool, makes it larger and smaller while it works, and ends a task by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

namespace {

asio::awaitable<void> until_children(PoolFixture& fixture, std::size_t count) {
  while (fixture.pool.child_pids().size() != count) co_await supervisor::pause(1ms);
}

std::vector<ChildView> in_state(const PoolFixture& fixture, std::string_view state) {
  std::vector<ChildView> found;
  for (auto& child : fixture.pool.view().children)
    if (child.state == state) found.push_back(child);
  return found;
}

}  // namespace

TEST_CASE("OB9 a pool shows its children, what they run, and who crashed last") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    co_await fixture.call("no_op");
    Running running(fixture.io);
    running.start(fixture, "beat_and_wait", 1);
    co_await running.until_beaten();
    const auto now = fixture.pool.view();
    CHECK(now.zygote == fixture.pool.zygote_pid());
    CHECK(now.generation == 1);
    CHECK(now.wanted == 2);
    CHECK_FALSE(now.degraded);
    CHECK_FALSE(now.last_crash);
    CHECK(now.children.size() == 2);
    const auto busy = in_state(fixture, "busy");
    REQUIRE(busy.size() == 1);
    CHECK(busy[0].pid == running.handle.pid());
    CHECK(busy[0].activity_type == "beat_and_wait");
    CHECK(busy[0].generation == 1);
    CHECK(busy[0].heartbeats == 1);
    CHECK(busy[0].tasks == 2);
    CHECK_FALSE(busy[0].offloaded);
    const auto idle = in_state(fixture, "idle");
    REQUIRE(idle.size() == 1);
    CHECK(idle[0].activity_type.empty());
    CHECK(idle[0].tasks == 0);

    ::kill(running.handle.pid(), SIGKILL);
    co_await running.until_ended();
    const auto crash = fixture.pool.view().last_crash;
    REQUIRE(crash);
    CHECK(crash->pid == busy[0].pid);
    CHECK(crash->how == "killed by SIGKILL");
    CHECK(crash->activity_type == "beat_and_wait");
  });
}

TEST_CASE(
    "LC10 a pool grows and shrinks; idle children leave at once, busy ones when they are done") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    fixture.pool.set_children(4);
    co_await until_full(fixture, 4);
    CHECK(fixture.pool.view().wanted == 4);

    std::vector<std::unique_ptr<Running>> running;
    for (int i = 0; i < 3; ++i) {
      running.push_back(std::make_unique<Running>(fixture.io));
      running.back()->start(fixture, "beat_and_wait", i);
      co_await running.back()->until_beaten();
    }
    fixture.pool.set_children(1);
    CHECK(fixture.pool.capacity() == 1);
    co_await until_children(fixture, 3);
    CHECK(in_state(fixture, "busy").size() == 3);
    for (auto& one : running) CHECK_FALSE(one->outcome);
    for (auto& one : running) {
      one->handle.cancel(CancelReason::requested);
      co_await one->until_ended();
      CHECK(result<std::string>(*one->outcome) == "requested");
    }
    co_await until_children(fixture, 1);
    CHECK(fixture.pool.capacity() == 1);
    CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
    const auto counts = fixture.pool.counts();
    CHECK(counts.starts == 4);
    CHECK(counts.exits.at("stopped") == 3);
    CHECK(counts.exits.size() == 1);
  });
}

TEST_CASE("AX5 a pool grows while tasks wait, and shrinks when they are over") {
  auto elastic = options(1);
  elastic.most_children = 3;
  elastic.reap_after = 20ms;
  PoolFixture fixture(elastic);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(fixture.pool.child_pids().size() == 1);
    CHECK(fixture.pool.capacity() == 3);
    for (int round = 0; round < 2; ++round) {
      std::vector<std::unique_ptr<Running>> running;
      for (int i = 0; i < 4; ++i) {
        running.push_back(std::make_unique<Running>(fixture.io));
        running.back()->start(fixture, "beat_and_wait", i);
        if (i < 3) co_await running.back()->until_beaten();
      }
      CHECK(in_state(fixture, "busy").size() == 3);
      CHECK(fixture.pool.view().wanted == 1);
      running.front()->handle.cancel(CancelReason::requested);
      co_await running.back()->until_beaten();  // the fourth has its child
      for (auto& one : running) {
        one->handle.cancel(CancelReason::requested);
        co_await one->until_ended();
        CHECK(result<std::string>(*one->outcome) == "requested");
      }
      co_await until_children(fixture, 1);
    }
    CHECK(fixture.pool.counts().exits == decltype(PoolCounts::exits){{"stopped", 4}});
  });
}

TEST_CASE("LC10 who changes his mind gets what he said last") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (const int count : {5, 1, 3, 2, 6, 4}) fixture.pool.set_children(count);
    // One that was too many may still have to start before it can leave.
    while (in_state(fixture, "idle").size() != 4 || fixture.pool.child_pids().size() != 4)
      co_await supervisor::pause(1ms);
    fixture.pool.set_children(1);
    fixture.pool.set_children(4);
    while (in_state(fixture, "idle").size() != 4 || fixture.pool.child_pids().size() != 4)
      co_await supervisor::pause(1ms);
    // A death is replaced, up to the number that holds now.
    ::kill(fixture.pool.child_pids().front(), SIGKILL);
    fixture.pool.set_children(3);
    while (fixture.pool.counts().exits.count("killed") == 0) co_await supervisor::pause(1ms);
    while (in_state(fixture, "idle").size() != 3 || fixture.pool.child_pids().size() != 3)
      co_await supervisor::pause(1ms);
  });
}

TEST_CASE(
    "LC10 what an operator ends is a failure that says so, or the cancellation it did not heed") {
  auto quick = options(1);
  quick.child.term_grace = 50ms;
  PoolFixture fixture(quick);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running running(fixture.io);
    running.start(fixture, "ignore_everything");
    co_await running.until_beaten();
    const auto pid = running.handle.pid();
    CHECK_FALSE(fixture.pool.kill_task(pid + 1));
    CHECK(fixture.pool.kill_task(pid));
    co_await running.until_ended();
    CHECK(std::get<Died>(*running.outcome).killed_here);
    CHECK(type_of(*running.outcome) == "ActivityProcessKilled");
    CHECK(details_of(*running.outcome)["cause"] == "operator");
    CHECK(details_of(*running.outcome)["signal"] == SIGKILL);
    CHECK_FALSE_MESSAGE(fixture.pool.view().last_crash, "it was told to end");

    Running unwilling(fixture.io);
    unwilling.start(fixture, "ignore_everything");
    co_await unwilling.until_beaten();
    unwilling.handle.cancel(CancelReason::requested);
    unwilling.handle.kill();
    co_await unwilling.until_ended();
    CHECK(std::get<Canceled>(*unwilling.outcome).details.payloads(0).data() ==
          "\"killed after grace\"");
    co_await until_full(fixture, 1);
    CHECK_FALSE(fixture.pool.kill_task(fixture.pool.child_pids().front()));
    const auto counts = fixture.pool.counts();
    CHECK(counts.exits.at("operator") == 1);
    CHECK(counts.exits.at("cancelled") == 1);
  });
}

TEST_CASE(
    "row 21: in a hurry there is no SIGTERM to wait for, and the worker's stop is the reason") {
  auto slow = options(2);
  slow.child.term_grace = 1h;
  PoolFixture fixture(slow);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running deaf(fixture.io), cancelled(fixture.io), waiting(fixture.io);
    deaf.start(fixture, "ignore_everything");
    cancelled.start(fixture, "ignore_everything");
    co_await deaf.until_beaten();
    co_await cancelled.until_beaten();
    waiting.start(fixture, "no_op");
    cancelled.handle.cancel(CancelReason::requested);
    for (auto* one : {&deaf, &waiting}) one->handle.cancel(CancelReason::worker_shutdown);
    deaf.handle.terminate(KillReason::worker_shutdown);
    cancelled.handle.terminate(KillReason::cancelled);
    waiting.handle.terminate(KillReason::worker_shutdown);
    fixture.pool.stop_accepting();
    fixture.pool.kill_tasks();
    co_await deaf.until_ended();
    CHECK(type_of(*deaf.outcome) == "WorkerShutdown");
    co_await cancelled.until_ended();
    CHECK(std::holds_alternative<Canceled>(*cancelled.outcome));
    co_await waiting.until_ended();
    CHECK(type_of(*waiting.outcome) == "WorkerShutdown");
  });
}
