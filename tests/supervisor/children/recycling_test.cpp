// SPDX-License-Identifier: MIT
// Children make room for fresh ones between two tasks, and no task notices.
#include <doctest/doctest.h>
#include <unistd.h>

#include <map>
#include <set>
#include <vector>

#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

namespace {

PoolOptions recycled(int children, Recycling recycling) {
  auto pool = options(children);
  pool.recycling = recycling;
  return pool;
}

}  // namespace

TEST_CASE("F021 bounds are drawn up to 15 % below what was asked, never above") {
  std::minstd_rand random(7);
  const auto born = Lifespan::Clock::now();
  std::set<int> drawn;
  for (int child = 0; child < 100; ++child) {
    Lifespan lifespan({.max_tasks = 100, .max_age = 100s}, born, random);
    int tasks = 0;
    for (; lifespan.over(born, ::getpid()).empty(); ++tasks) lifespan.task_done();
    CHECK(tasks >= 85);
    CHECK(tasks <= 100);
    drawn.insert(tasks);
    CHECK(lifespan.ends() >= born + 85s);
    CHECK(lifespan.ends() <= born + 100s);
    CHECK(lifespan.over(lifespan.ends(), ::getpid()) == "tasks");
  }
  CHECK(drawn.size() > 5);
  Lifespan two({.max_tasks = 2}, born, random);
  two.task_done();
  CHECK_MESSAGE(two.over(born, ::getpid()).empty(), "few tasks have no share of 15 %");
  const Lifespan one({.max_tasks = 1}, born, random);
  CHECK_MESSAGE(one.over(born, ::getpid()).empty(), "a child does one task at least");
  const Lifespan unbounded({}, born, random);
  CHECK(unbounded.over(born + 24h, ::getpid()).empty());
}

TEST_CASE("F021 a child leaves after so many tasks; all of them are done, and none is a death") {
  PoolFixture fixture(recycled(2, {.max_tasks = 10}));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::map<int, int> tasks_of;
    for (int i = 0; i < 100; ++i) {
      const auto outcome = co_await fixture.call("own_pid");
      ++tasks_of[result<int>(outcome)];
    }
    CHECK(tasks_of.size() >= 10);
    for (const auto& [pid, tasks] : tasks_of) CHECK(tasks <= 10);
    co_await until_settled(fixture);
    const auto counts = fixture.pool.counts();
    CHECK(counts.exits.at("recycled") == counts.starts - 2);
    CHECK(counts.exits.size() == 1);
    CHECK_FALSE(fixture.log.contain("a child died"));
  });
}

TEST_CASE("F021 tasks that come all the time find a child, however soon children leave") {
  PoolFixture fixture(recycled(2, {.max_tasks = 1}));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::vector<std::unique_ptr<Running>> running;
    for (int i = 0; i < 60; ++i) {
      running.push_back(std::make_unique<Running>(fixture.io));
      running.back()->start(fixture, "count_tasks");
    }
    for (auto& one : running) {
      co_await one->until_ended();
      CHECK(result<int>(*one->outcome) == 1);
    }
    co_await until_settled(fixture);
    CHECK(fixture.pool.counts().exits.at("recycled") == 60);
    CHECK_FALSE(fixture.pool.degraded());
  });
}

TEST_CASE("F021 children that take long to leave do not pile up") {
  PoolFixture fixture(recycled(2, {.max_tasks = 1}));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (int i = 0; i < 10; ++i) {
      const auto outcome = co_await fixture.call("leave_slowly", 200);
      CHECK(std::holds_alternative<Completed>(outcome));
      CHECK(fixture.pool.child_pids().size() <= 4);
    }
    // Each did its one task all the same.
    CHECK(fixture.pool.counts().starts >= 10);
  });
}

TEST_CASE("F021 a child that holds too much memory after a task leaves; the next begins small") {
  std::size_t bound = 64 << 20;  // beyond what a child has anyhow
  PoolFixture plain(options(1));
  plain.with_pool([&]() -> asio::awaitable<void> {
    const auto outcome = co_await plain.call("own_pid");
    bound += resident_bytes(result<int>(outcome));
  });
  PoolFixture fixture(recycled(1, {.max_rss = bound}));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const auto small = co_await fixture.call("own_pid");
    const auto again = co_await fixture.call("own_pid");
    CHECK(result<int>(again) == result<int>(small));
    const auto grown = co_await fixture.call("leak", 128);
    CHECK(result<int>(grown) == result<int>(small));
    const auto fresh = co_await fixture.call("own_pid");
    const auto next = result<int>(fresh);
    CHECK(next != result<int>(small));
    CHECK(resident_bytes(next) < bound);
    co_await until_settled(fixture);
    CHECK(fixture.pool.counts().exits.at("recycled") == 1);
  });
}

TEST_CASE("F021 an idle child leaves when it is old; one that works does so after its task") {
  PoolFixture fixture(recycled(2, {.max_age = 300ms}));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running working(fixture.io);
    working.start(fixture, "beat_and_wait", 1);
    co_await working.until_beaten();
    const auto pid = working.handle.pid();
    const auto recycled = [&] {
      const auto exits = fixture.pool.counts().exits;
      const auto found = exits.find("recycled");
      return found == exits.end() ? 0 : found->second;
    };
    while (recycled() < 2) co_await supervisor::pause(10ms);
    const auto pids = fixture.pool.child_pids();
    CHECK(std::ranges::find(pids, pid) != pids.end());
    CHECK_FALSE(working.outcome);
    working.handle.cancel(CancelReason::requested);
    co_await working.until_ended();
    CHECK(result<std::string>(*working.outcome) == "requested");
    const auto after = co_await fixture.call("own_pid");
    CHECK(result<int>(after) != pid);
  });
}
