// SPDX-License-Identifier: MIT
// How tasks that coroutine activities handed over end when all does not go well: killed, given up, without a child, at a stop.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/supervisor/children/offload_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

TEST_CASE("kill -9 of an offloaded task's child costs that call, and pollers do not hear of it") {
  PoolFixture fixture(two_shares(2, 2));
  int told = 0;
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Tasks polled(fixture, Share::polled, 2);
    co_await polled.until_beaten();
    Tasks offloaded(fixture, Share::offload, 2);
    Tasks waiting(fixture, Share::offload, 1);
    co_await offloaded.until_beaten();
    fixture.pool.on_capacity_change = [&] { ++told; };
    auto& victim = offloaded.all.front();
    ::kill(victim.handle.pid(), SIGKILL);
    co_await victim.until_ended();
    CHECK(type_of(*victim.outcome) == "ActivityProcessKilled");
    CHECK(details_of(*victim.outcome)["signal"] == SIGKILL);
    REQUIRE(victim.take());  // what it published before counts
    co_await waiting.until_beaten();
    CHECK(told == 0);
    fixture.pool.on_capacity_change = nullptr;
    offloaded.all.pop_front();
    co_await offloaded.release();
    co_await waiting.release();
    co_await polled.release();
  });
}

TEST_CASE(
    "kill -9 of a polled task's child while others are offloaded brings its place back first") {
  PoolFixture fixture(two_shares(1, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Tasks offloaded(fixture, Share::offload, 1);
    co_await offloaded.until_beaten();
    Tasks waiting(fixture, Share::offload, 1);
    Running victim(fixture.io);
    victim.start(fixture, "beat_and_wait", 1);
    co_await victim.until_beaten();
    ::kill(victim.handle.pid(), SIGKILL);
    co_await victim.until_ended();
    CHECK(type_of(*victim.outcome) == "ActivityProcessKilled");
    co_await until_full(fixture, 1);
    CHECK_FALSE(offloaded.all.front().outcome);
    CHECK(waiting.all.front().handle.pid() == 0);
    co_await offloaded.release();
    co_await waiting.until_beaten();
    co_await waiting.release();
  });
}

TEST_CASE("offloaded tasks wait in their order, and can be given up or cancelled meanwhile") {
  PoolFixture fixture(two_shares(1, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Tasks holder(fixture, Share::offload, 1);
    co_await holder.until_beaten();
    std::vector<int> order;
    std::list<Running> line;
    for (int i = 0; i < 6; ++i) {
      auto& one = line.emplace_back(fixture.io, Share::offload);
      one.handle.on_started = [&order, i] { order.push_back(i); };
      one.start(fixture, "wait_for_cancel");
    }
    auto at = [&](int i) -> Running& { return *std::next(line.begin(), i); };
    for (int i : {0, 3}) {  // the first, and one in the middle
      at(i).handle.terminate(KillReason::cancelled);
      co_await at(i).until_ended();
      CHECK(failure(*at(i).outcome).message() == "stopped before it had a child");
    }
    for (int i : {1, 2, 4, 5}) at(i).handle.cancel(CancelReason::paused);
    CHECK(order.empty());
    co_await holder.release();
    for (int i : {1, 2, 4, 5}) {
      co_await at(i).until_ended();
      CHECK(result<std::string>(*at(i).outcome) == "paused");  // it started cancelled
    }
    CHECK(order == std::vector{1, 2, 4, 5});
  });
}

TEST_CASE("an offloaded task that does not comply is killed like any other") {
  auto quick = two_shares(0, 1);
  quick.child.term_grace = 50ms;
  PoolFixture fixture(quick);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running deaf(fixture.io, Share::offload), next(fixture.io, Share::offload);
    deaf.start(fixture, "ignore_everything");
    co_await deaf.until_beaten();
    next.start(fixture, "own_pid");
    deaf.handle.terminate(KillReason::timed_out);
    co_await deaf.until_ended();
    CHECK(std::get<Died>(*deaf.outcome).killed_here);
    CHECK(details_of(*deaf.outcome)["signal"] == SIGKILL);
    co_await next.until_ended();
    CHECK(result<int>(*next.outcome) != deaf.handle.pid());
  });
}

TEST_CASE("children that die as fast as they are replaced end the offloaded tasks that wait") {
  PoolFixture fixture(two_shares(0, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::list<Running> all;
    for (int i = 0; i < 10; ++i)
      all.emplace_back(fixture.io, Share::offload).start(fixture, "exit_with", 1);
    int exited = 0, refused = 0;
    for (auto& one : all) {
      co_await one.until_ended();
      exited += type_of(*one.outcome) == "ActivityProcessExited";
      refused += type_of(*one.outcome) == "WorkerResources";
    }
    CHECK(exited == 6);  // max(5, 2 x children), and one more
    CHECK(refused == 4);
    CHECK(fixture.pool.degraded());
    CHECK(type_of(co_await fixture.offload("no_op")) == "WorkerResources");
  });
}

TEST_CASE("offloaded tasks for which no child can be forked end, and the log says why") {
  auto threaded = options(0, "THREADED_MODULE");
  threaded.offload_children = 1;
  PoolFixture fixture(threaded);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(type_of(co_await fixture.offload("nothing")) == "WorkerResources");
  });
  CHECK(fixture.log.contain("must not start threads"));
}

TEST_CASE("stopping ends both shares, what runs and what waits, and leaves no process") {
  auto descriptors = own_descriptors();
  {
    auto quick = two_shares(1, 2);
    quick.child.term_grace = 50ms;
    PoolFixture fixture(quick);
    Running deaf(fixture.io, Share::offload), late(fixture.io, Share::offload);
    fixture.with_pool([&]() -> asio::awaitable<void> {
      deaf.start(fixture, "ignore_everything");
      co_await deaf.until_beaten();
      Tasks running(fixture, Share::offload, 1), waiting(fixture, Share::offload, 3);
      co_await running.until_beaten();
      co_await fixture.pool.stop(50ms);
      CHECK(result<std::string>(*running.all.front().outcome) == "worker_shutdown");
      for (auto& one : waiting.all) CHECK(type_of(*one.outcome) == "WorkerShutdown");
      late.start(fixture, "no_op");
      co_await late.until_ended();
    });
    CHECK(type_of(*deaf.outcome) == "WorkerShutdown");
    CHECK(std::get<Died>(*deaf.outcome).killed_here);
    CHECK(type_of(*late.outcome) == "WorkerShutdown");
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("a pool that is dropped takes along what runs and what waits in it") {
  auto descriptors = own_descriptors();
  pid_t zygote = 0;
  {
    PoolFixture fixture(two_shares(1, 1));
    auto begin = [&](Share share, bool& started) {
      asio::co_spawn(
          fixture.io,
          [&fixture, &started, share]() -> asio::awaitable<void> {
            AttemptHandle handle;
            handle.on_started = [&started] { started = true; };
            (void)co_await fixture.call_in(share, handle, "wait_for_cancel");
          },
          asio::detached);
    };
    fixture.run([&]() -> asio::awaitable<void> {
      co_await fixture.pool.start();
      zygote = fixture.pool.zygote_pid();
      bool polled = false, offloaded = false, never = false;
      begin(Share::polled, polled);
      begin(Share::polled, never);
      begin(Share::offload, offloaded);
      begin(Share::offload, never);
      while (!polled || !offloaded) co_await supervisor::pause(1ms);
      CHECK_FALSE(never);
    });
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(::waitpid(zygote, nullptr, 0) == zygote);
}

TEST_CASE("kill -9 of the zygote ends offloaded tasks too, and those that wait run afterwards") {
  PoolFixture fixture(two_shares(0, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Tasks running(fixture, Share::offload, 1), waiting(fixture, Share::offload, 1);
    co_await running.until_beaten();
    ::kill(fixture.pool.zygote_pid(), SIGKILL);
    auto& one = running.all.front();
    co_await one.until_ended();
    CHECK(type_of(*one.outcome) == "ActivityProcessKilled");
    CHECK(details_of(*one.outcome)["cause"] == "zygote");
    co_await waiting.until_beaten();
    co_await waiting.release();
  });
}

TEST_CASE("a child forked after the notice of a shutdown has heard of it") {
  PoolFixture fixture(two_shares(0, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    fixture.pool.notify_shutdown();
    CHECK(std::holds_alternative<Completed>(co_await fixture.offload("until_notice")));
  });
}
