// SPDX-License-Identifier: MIT
#include "supervisor/tasks/run_cache.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "temporal/module.hpp"
#include "temporal/workflow.hpp"
#include "tests/fake_server/fake_clock.hpp"
#include "tests/support/history_builder.hpp"

using namespace temporal;
using namespace temporal::supervisor;
using temporal::test::settle;
namespace asio = boost::asio;

namespace cached_workflows {

// Holds so many KiB in coroutine frames.
struct Hoards {
  static Task<> hold() {
    std::array<char, 1024> kept{};
    co_await workflow::sleep(std::chrono::hours(1));
    kept[0] = 1;
  }
  Task<> run(int kilobytes) {
    for (int i = 0; i < kilobytes; ++i) (void)workflow::spawn(hold());
    co_await workflow::sleep(std::chrono::hours(1));
  }
};

}  // namespace cached_workflows

namespace {

struct World {
  explicit World(std::size_t capacity, std::size_t max_bytes = 0)
      : cache(loop.get_executor(), capacity, max_bytes) {
    module.workflow<cached_workflows::Hoards>();
  }

  // A task of that run, from the moment it has the run.
  struct Task {
    std::optional<RunCache::Lease> lease;
  };
  std::shared_ptr<Task> want(const std::string& run_id) {
    auto task = std::make_shared<Task>();
    asio::co_spawn(loop, have(run_id, task), [](const std::exception_ptr&) {});
    settle(loop);
    return task;
  }
  asio::awaitable<void> have(std::string run_id, std::shared_ptr<Task> task) {
    auto lease = co_await cache.check_out(run_id);
    task->lease.emplace(std::move(lease));
  }
  RunCache::Run make(const std::string& run_id) {
    engine::RunContext context;
    context.run_id = run_id;
    return std::make_unique<engine::WorkflowRun>(module, std::move(context));
  }
  // A run that has begun.
  RunCache::Run make_large(const std::string& run_id, int kilobytes) {
    testing::HistoryBuilder history("Hoards", kilobytes);
    engine::WorkflowTaskInput task;
    task.started_event_id = history.task();
    task.history = history.history();
    engine::RunContext context;
    context.run_id = run_id;
    context.workflow_type = "Hoards";
    auto run = std::make_unique<engine::WorkflowRun>(module, std::move(context));
    REQUIRE_FALSE(run->activate(std::move(task)).failure);
    return run;
  }
  // The ids of the runs that had to go.
  std::string keep(const std::shared_ptr<Task>& task) {
    const auto gone = cache.check_in(std::move(*task->lease));
    task->lease.reset();
    settle(loop);
    std::string ids;
    for (const auto& run : gone) ids += run->info().run_id;
    return ids;
  }
  std::string serve(const std::string& run_id) {
    auto task = want(run_id);
    if (!task->lease->run) task->lease->run = make(run_id);
    return keep(task);
  }
  std::string serve_large(const std::string& run_id, int kilobytes) {
    auto task = want(run_id);
    task->lease->run = make_large(run_id, kilobytes);
    return keep(task);
  }
  bool has(const std::string& run_id) {
    auto task = want(run_id);
    const bool found = bool(task->lease->run);
    if (found) keep(task);
    return found;
  }

  asio::io_context loop;
  Module module;
  RunCache cache;
};

}  // namespace

TEST_CASE("a run that was checked in is the one that is checked out") {
  World world(10);
  auto task = world.want("a");
  CHECK_FALSE(task->lease->run);
  task->lease->run = world.make("a");
  const auto* run = task->lease->run.get();
  CHECK(world.keep(task).empty());
  CHECK(world.cache.size() == 1);
  task = world.want("a");
  CHECK(task->lease->run.get() == run);
  CHECK(world.cache.size() == 0);
}

TEST_CASE("a task that does not check its run in leaves nothing behind") {
  World world(10);
  CHECK(world.serve("a").empty());
  auto task = world.want("a");
  task->lease.reset();
  CHECK_FALSE(world.has("a"));
  CHECK(world.cache.size() == 0);
}

TEST_CASE("R011 the run that has been without a task for longest goes first") {
  World world(2);
  CHECK(world.serve("a").empty());
  CHECK(world.serve("b").empty());
  CHECK(world.serve("a").empty());
  CHECK(world.serve("c") == "b");
  CHECK(world.serve("d") == "a");
  CHECK(world.cache.size() == 2);
}

TEST_CASE("R024 the least recently used go when the runs take too much memory") {
  World unbounded(100);
  CHECK(unbounded.serve_large("a", 60).empty());
  const auto one = unbounded.cache.bytes();
  CHECK(one > 60 * 1024);
  CHECK(one < 3 * 60 * 1024);

  World world(100, one * 5 / 2);
  CHECK(world.serve_large("a", 60).empty());
  CHECK(world.serve_large("b", 60).empty());
  CHECK(world.cache.bytes() == 2 * one);
  CHECK(world.has("a"));  // which makes b the oldest
  CHECK(world.serve_large("c", 60) == "b");
  CHECK(world.cache.bytes() == 2 * one);
  CHECK(world.serve_large("d", 120) == "ac");
  // What is too large alone is not kept, and costs the others nothing.
  CHECK(world.serve_large("e", 180) == "e");
  CHECK(world.has("d"));
  CHECK_FALSE(world.has("e"));
  CHECK(world.cache.size() == 1);
}

TEST_CASE("what a task has out of the cache takes no room in it") {
  World world(100, 300 * 1024);
  CHECK(world.serve_large("a", 120).empty());
  auto busy = world.want("a");
  CHECK(world.cache.bytes() == 0);
  CHECK(world.serve_large("b", 120).empty());
  CHECK(world.keep(busy) == "b");
  CHECK(world.has("a"));
}

TEST_CASE("T-10: a run that has a task is never the one that goes") {
  World world(1);
  auto busy = world.want("a");
  busy->lease->run = world.make("a");
  CHECK(world.serve("b").empty());
  CHECK(world.serve("c") == "b");
  CHECK(world.keep(busy) == "c");
  CHECK(world.has("a"));
}

TEST_CASE("R018 a second task of a run waits for the first, and tasks of other runs do not") {
  World world(10);
  auto first = world.want("a");
  auto second = world.want("a");
  auto third = world.want("a");
  auto other = world.want("b");
  CHECK(first->lease);
  CHECK_FALSE(second->lease);
  CHECK(other->lease);
  first->lease->run = world.make("a");
  world.keep(first);
  CHECK(second->lease);
  CHECK(second->lease->run);
  CHECK_FALSE(third->lease);
  second->lease.reset();  // its run is not kept
  settle(world.loop);
  REQUIRE(third->lease);
  CHECK_FALSE(third->lease->run);
}

TEST_CASE("a run that goes while a task waits for it is not there when its turn comes") {
  World world(1);
  auto first = world.want("a");
  auto second = world.want("a");
  first->lease->run = world.make("a");
  // Before the one that waits is woken.
  auto gone = world.cache.check_in(std::move(*first->lease));
  first->lease.reset();
  CHECK(gone.empty());
  auto runs = world.cache.clear();
  CHECK(runs.size() == 1);
  settle(world.loop);
  REQUIRE(second->lease);
  CHECK_FALSE(second->lease->run);
}

TEST_CASE("a cache without places keeps nothing") {
  World world(0);
  CHECK(world.serve("a") == "a");
  CHECK(world.cache.size() == 0);
  CHECK_FALSE(world.has("a"));
}

TEST_CASE("all that have no task can be taken at once, the least recently used first") {
  World world(10);
  for (const char* id : {"a", "b", "c"}) world.serve(id);
  world.serve("a");
  auto busy = world.want("b");
  const auto runs = world.cache.clear();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0]->info().run_id == "c");
  CHECK(runs[1]->info().run_id == "a");
  CHECK(busy->lease->run);
  CHECK(world.cache.size() == 0);
}
