// SPDX-License-Identifier: MIT
// Two shares in one pool: what coroutine activities hand over never takes a polled task's place, and its children come and go.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/supervisor/children/offload_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

namespace {

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
  CHECK(refused_start(missing).module);
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
