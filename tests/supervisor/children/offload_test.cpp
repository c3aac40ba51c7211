// SPDX-License-Identifier: MIT
// Two shares in one pool: what coroutine activities hand over never takes a polled task's place, and its children come and go.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <list>

#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

namespace {

PoolOptions two_shares(int children, int offload_children) {
  auto both = options(children);
  both.offload_children = offload_children;
  return both;
}

/// Tasks that run until they are released.
struct Tasks {
  Tasks(PoolFixture& fixture, Share share, int count) {
    for (int i = 0; i < count; ++i)
      all.emplace_back(fixture.io, share).start(fixture, "beat_and_wait", i);
  }
  asio::awaitable<void> until_beaten() {
    for (auto& one : all) co_await one.until_beaten();
  }
  asio::awaitable<void> release() {
    for (auto& one : all) one.handle.cancel(CancelReason::requested);
    for (auto& one : all) {
      co_await one.until_ended();
      CHECK(result<std::string>(*one.outcome) == "requested");
    }
  }
  std::list<Running> all;
};

asio::awaitable<void> until_children(PoolFixture& fixture, std::size_t count) {
  while (fixture.pool.child_pids().size() != count) co_await supervisor::pause(1ms);
}

std::size_t children(PoolFixture& fixture) { return fixture.pool.child_pids().size(); }

/// Of two idle children one is told to leave and does not hear it. Nobody knows which it will be: both are stopped.
asio::awaitable<void> stop_one_that_leaves(PoolFixture& fixture) {
  Tasks offloaded(fixture, Share::offload, 1);
  co_await offloaded.until_beaten();
  for (pid_t pid : fixture.pool.child_pids()) {
    if (pid != offloaded.all.front().handle.pid()) ::kill(pid, SIGSTOP);
  }
  co_await offloaded.release();
  ::kill(offloaded.all.front().handle.pid(), SIGSTOP);
  while (fixture.pool.idle_count() == 2) co_await supervisor::pause(1ms);
}

}  // namespace

TEST_CASE("offloaded tasks and polled tasks never take each other's places") {
  PoolFixture fixture(two_shares(2, 2));
  int told = 0;
  fixture.with_pool([&]() -> asio::awaitable<void> {
    fixture.pool.on_capacity_change = [&] { ++told; };
    // All polled places are taken: offloaded tasks run beside them.
    {
      Tasks polled(fixture, Share::polled, 2);
      co_await polled.until_beaten();
      Tasks offloaded(fixture, Share::offload, 2);
      co_await offloaded.until_beaten();
      CHECK(fixture.pool.capacity() == 2);
      co_await offloaded.release();
      co_await polled.release();
    }
    CHECK(fixture.pool.idle_count() == 4);
    // The reverse. Those beyond the share wait, though children are idle.
    {
      Tasks offloaded(fixture, Share::offload, 2);
      co_await offloaded.until_beaten();
      Tasks waiting(fixture, Share::offload, 3);
      CHECK(fixture.pool.idle_count() == 2);
      CHECK(fixture.pool.capacity() == 2);
      for (int i = 0; i < 10; ++i) (void)co_await fixture.call("no_op");
      Tasks polled(fixture, Share::polled, 2);
      co_await polled.until_beaten();
      CHECK(fixture.pool.idle_count() == 0);
      CHECK(children(fixture) == 4);
      co_await polled.release();
      for (auto& one : waiting.all) CHECK(one.handle.pid() == 0);
      co_await offloaded.release();
      co_await waiting.release();
    }
    fixture.pool.on_capacity_change = nullptr;
  });
  CHECK(told == 0);  // pollers never heard of any of it
}

TEST_CASE("a child for offloaded tasks is forked by the first of them, and used again") {
  PoolFixture fixture(two_shares(1, 3));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const pid_t polled = fixture.pool.child_pids().front();
    CHECK(children(fixture) == 1);
    Tasks holder(fixture, Share::polled, 1);
    co_await holder.until_beaten();
    const auto first = result<int>(co_await fixture.offload("own_pid"));
    CHECK(first != polled);
    for (int i = 0; i < 5; ++i) CHECK(result<int>(co_await fixture.offload("own_pid")) == first);
    CHECK(children(fixture) == 2);
    Tasks more(fixture, Share::offload, 3);
    co_await more.until_beaten();
    CHECK(children(fixture) == 4);
    co_await more.release();
    co_await holder.release();
  });
}

TEST_CASE(
    "without children for polled tasks the modules are loaded at once, children forked later") {
  PoolFixture fixture(two_shares(0, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(fixture.pool.zygote_pid() != 0);
    CHECK(children(fixture) == 0);
    CHECK(fixture.pool.capacity() == 0);
    CHECK(type_of(co_await fixture.call("no_op")) == "WorkerResources");
    CHECK(result<std::string>(co_await fixture.offload("say_hello", "World"s)) == "Hello, World!");
    CHECK(children(fixture) == 1);
    CHECK(fixture.pool.capacity() == 0);
  });
}

TEST_CASE("without children at all but for offloaded tasks, a module that fails stops the start") {
  auto missing = two_shares(0, 1);
  missing.program.modules = {"/nowhere/libmissing.so"};
  PoolFixture fixture(missing);
  bool module = false;
  fixture.run([&]() -> asio::awaitable<void> {
    try {
      co_await fixture.pool.start();
    } catch (const PoolError& error) {
      module = error.module();
    }
  });
  CHECK(module);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("no share for offloaded tasks means that they are refused") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(type_of(co_await fixture.offload("no_op")) == "WorkerResources");
  });
}

TEST_CASE("idle children beyond the polled tasks' are told to leave, those never") {
  auto quick = two_shares(2, 2);
  quick.reap_after = 20ms;
  PoolFixture fixture(quick);
  int told = 0;
  fixture.with_pool([&]() -> asio::awaitable<void> {
    fixture.pool.on_capacity_change = [&] { ++told; };
    for (int round = 0; round < 3; ++round) {
      Tasks offloaded(fixture, Share::offload, 2);
      co_await offloaded.until_beaten();
      CHECK(children(fixture) == 4);
      co_await offloaded.release();
      co_await until_children(fixture, 2);
    }
    // One that is in use is not counted as idle, whoever's it was.
    Tasks offloaded(fixture, Share::offload, 1);
    co_await offloaded.until_beaten();
    for (int i = 0; i < 100; ++i) {
      (void)co_await fixture.call("no_op");
      co_await supervisor::pause(1ms);
    }
    CHECK(children(fixture) == 3);
    CHECK(fixture.pool.capacity() == 2);
    CHECK(fixture.pool.idle_count() == 2);
    co_await offloaded.release();
    co_await until_children(fixture, 2);
    fixture.pool.on_capacity_change = nullptr;
  });
  CHECK(told == 0);
  CHECK_FALSE(fixture.log.contain("died"));
}

TEST_CASE("a child that is slow to leave is in nobody's way") {
  auto quick = two_shares(1, 1);
  quick.reap_after = 200ms;
  PoolFixture fixture(quick);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    co_await stop_one_that_leaves(fixture);
    const auto pids = fixture.pool.child_pids();
    Tasks next(fixture, Share::offload, 1);
    co_await next.until_beaten();
    CHECK(children(fixture) == 3);
    for (pid_t pid : pids) ::kill(pid, SIGCONT);
    co_await next.release();
    co_await until_children(fixture, 1);
  });
}

TEST_CASE("a child that does not leave is killed") {
  auto quick = two_shares(1, 1);
  quick.reap_after = 200ms;
  quick.child.leave_timeout = 50ms;
  quick.child.term_grace = 50ms;
  PoolFixture fixture(quick);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    co_await stop_one_that_leaves(fixture);
    co_await until_children(fixture, 1);
    CHECK(fixture.log.contain("killed by SIGKILL"));
    CHECK(fixture.pool.capacity() == 1);
    ::kill(fixture.pool.child_pids().front(), SIGCONT);
  });
}

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
