// SPDX-License-Identifier: MIT
#include "supervisor/tasks/activity_tasks.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <memory>

#include "tests/supervisor/activity/attempts.hpp"
#include "tests/supervisor/rpc/run.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace asio = boost::asio;

namespace task_activities {

int plain(int x) { return x; }
asio::awaitable<int> coroutine(int x) { co_return x; }

}  // namespace task_activities

namespace {

using Answers = std::vector<std::string>;

// A worker with activities for both homes. Executors are the test's.
struct World {
  explicit World(int pollers = 2, int activities = 10, int children = 10, int coroutines = 10,
                 double per_second = 0, double queue_per_second = 0)
      : permits(core, activities), child_places(core, children), loop_places(core, coroutines) {
    module.activity<task_activities::plain>();
    module.activity<task_activities::coroutine>();
    tasks = std::make_unique<ActivityTasks>(ActivityQueue{.name_space = "shop",
                                                          .task_queue = "queue",
                                                          .identity = "1@host",
                                                          .worker_instance_key = "key",
                                                          .pollers = pollers,
                                                          .per_second = per_second,
                                                          .queue_per_second = queue_per_second},
                                            module, settings, permits,
                                            Homes{&child_home, nullptr, &loop_home});
    tasks->start([this](const std::exception_ptr&) { ++failures; });
    settle(loop);
  }
  ~World() {
    for (auto* executor : {&in_children, &on_loops})
      for (auto& execution : executor->executions) execution.end({CompletesLater{}});
    run(loop, tasks->end_polling(0s));
    settle(loop);
  }

  void deliver(const std::string& token, const std::string& type = "plain") {
    service.deliver(activity_task(token, type));
    settle(loop);
  }
  void end(FakeExecution& execution, Ending ending) {
    execution.end(std::move(ending));
    settle(loop);
  }

  asio::io_context loop{1};
  asio::any_io_executor core = loop.get_executor();
  FakeService service{loop};
  RecordingLog log;
  FakeClock clock{loop};
  MetricRegistry registry;
  WorkerMetrics metrics{registry, "shop", "queue", log};
  AttemptSettings settings{.core = core,
                           .service = service,
                           .log = log,
                           .metrics = metrics,
                           .name_space = "shop",
                           .task_queue = "queue",
                           .identity = "1@host",
                           .clock = clock};
  Module module;
  Permits permits;
  Permits child_places;
  Permits loop_places;
  FakeExecutor in_children{loop};
  FakeExecutor on_loops{loop};
  Home child_home{in_children, child_places};
  Home loop_home{on_loops, loop_places};
  std::unique_ptr<ActivityTasks> tasks;
  int failures = 0;
};

}  // namespace

TEST_CASE("a poll says which worker asks, for which queue") {
  World world(1);
  REQUIRE(world.service.activity_polls.size() == 1);
  const auto& poll = world.service.activity_polls[0];
  CHECK(poll.namespace_() == "shop");
  CHECK(poll.task_queue().name() == "queue");
  CHECK(poll.identity() == "1@host");
  CHECK(poll.worker_instance_key() == "key");
}

TEST_CASE("a task runs in the home of its activity, and is answered once") {
  World world;
  world.deliver("one", "plain");
  world.deliver("two", "coroutine");
  CHECK(world.in_children.started == Answers{"one"});
  CHECK(world.on_loops.started == Answers{"two"});
  CHECK(world.tasks->running() == 2);
  CHECK(world.tasks->homes() == LogFields{{"children", {{"running", 1}, {"places", 10}}},
                                          {"loops", {{"running", 1}, {"places", 10}}}});
  world.end(world.in_children.newest(), {Returned{payloads("1")}});
  world.end(world.on_loops.newest(), {threw(std::runtime_error("no"))});
  CHECK(world.service.answers == Answers{"completed one", "failed two"});
  CHECK(world.tasks->running() == 0);
  CHECK(world.tasks->homes()["children"]["running"] == 0);
}

TEST_CASE("without a free place there is no open poll") {
  World world(2, /*activities=*/1);
  CHECK(world.service.open_polls == 1);
  world.deliver("one");
  CHECK(world.service.open_polls == 0);
  world.deliver("two");  // waits at the server, where its clock does not run
  CHECK(world.in_children.started == Answers{"one"});
  world.end(world.in_children.newest(), {Returned{}});
  CHECK(world.in_children.started == Answers{"one", "two"});
}

TEST_CASE("every home must have a place before there is a poll") {
  World world(2, 10, /*children=*/0);
  CHECK(world.service.polls == 0);
  world.child_places.set_capacity(1);
  settle(world.loop);
  CHECK(world.service.open_polls == 1);
  world.deliver("one", "plain");
  CHECK(world.service.open_polls == 0);
  world.end(world.in_children.newest(), {Returned{}});
  CHECK(world.service.open_polls == 1);
}

TEST_CASE("a task keeps the place it needs and gives the others back") {
  World world(1, 10, 5, 5);
  // One of each is held by the open poll.
  world.deliver("one", "plain");
  CHECK(world.child_places.taken() == 2);
  CHECK(world.loop_places.taken() == 1);
  world.deliver("two", "coroutine");
  CHECK(world.child_places.taken() == 2);
  CHECK(world.loop_places.taken() == 2);
  CHECK(world.permits.taken() == 3);
}

TEST_CASE("a place comes back once, however its task ends") {
  World world(1);
  const auto cycle = [&](Ending ending) {
    world.deliver("t");
    world.end(world.in_children.newest(), std::move(ending));
    CHECK(world.permits.taken() == 1);
    CHECK(world.child_places.taken() == 1);
    CHECK(world.loop_places.taken() == 1);
    CHECK(world.tasks->running() == 0);
  };
  cycle({Returned{}});
  cycle({CompletesLater{}});
  cycle({threw(std::runtime_error("no"))});
  cycle({ThrewCancelled{}});
  for (auto code : {RpcCode::not_found, RpcCode::unavailable, RpcCode::invalid_argument,
                    RpcCode::internal, RpcCode::resource_exhausted}) {
    world.service.before = [code](std::string_view rpc) {
      if (rpc.starts_with("Respond")) refuse(code, "no");
    };
    cycle({Returned{}});
    cycle({threw(std::runtime_error("no"))});
  }
}

TEST_CASE("E015 a worker starts as many activities a second as it may, and saves up no more") {
  World world(3, 10, 10, 10, /*per_second=*/2);
  CHECK(world.service.open_polls == 2);  // a second's worth
  world.deliver("one");
  world.deliver("two");
  CHECK(world.in_children.started == Answers{"one", "two"});
  CHECK(world.service.open_polls == 0);
  world.clock.advance(499ms);
  CHECK(world.service.open_polls == 0);
  world.clock.advance(1ms);
  CHECK(world.service.open_polls == 1);
  world.service.end_polls();  // nothing was started: the next poll needs no new licence
  settle(world.loop);
  CHECK(world.service.open_polls == 1);
  world.clock.advance(1h);
  // Of the hour's silence one second counts, and open polls hold it.
  CHECK(world.service.open_polls == 2);
  for (const char* token : {"three", "four", "five", "six"}) world.deliver(token);
  CHECK(world.in_children.started.size() == 4);
  CHECK(world.service.open_polls == 0);
  world.clock.advance(500ms);
  CHECK(world.in_children.started.size() == 5);
  world.clock.advance(500ms);
  CHECK(world.in_children.started.size() == 6);
}

TEST_CASE("E015 a token of a poll that failed, or was let go, comes back") {
  World world(1, 10, 10, 10, /*per_second=*/1);
  CHECK(world.service.open_polls == 1);
  world.service.before = [](std::string_view rpc) {
    if (rpc.starts_with("Poll")) refuse(RpcCode::permission_denied, "no");
  };
  world.service.end_polls();
  settle(world.loop);
  CHECK(world.failures == 1);
  world.service.before = [](std::string_view) {};
  world.tasks->start([](const std::exception_ptr&) {});
  settle(world.loop);
  CHECK(world.service.open_polls == 1);
}

TEST_CASE("E015 the limit of a queue is told to the server with each poll, which keeps it") {
  World limited(1, 10, 10, 10, 0, /*queue_per_second=*/7.5);
  const auto& poll = limited.service.activity_polls.at(0);
  CHECK(poll.task_queue_metadata().max_tasks_per_second().value() == 7.5);
  World free(1);
  CHECK_FALSE(free.service.activity_polls.at(0).has_task_queue_metadata());
}

TEST_CASE("E021 an answer that never reached the server is a warning, and the next task runs") {
  World world(1);
  world.service.before = [](std::string_view rpc) {
    if (rpc.starts_with("Respond")) refuse(RpcCode::unavailable, "away");
  };
  for (auto ending : {Ending{Returned{}}, Ending{threw(std::runtime_error("no"))}}) {
    const auto before = world.log.count(LogLevel::warn);
    world.deliver("lost");
    world.end(world.in_children.newest(), ending);
    CHECK(world.log.count(LogLevel::warn) > before);
  }
  CHECK(world.log.count(LogLevel::error) == 0);
  world.service.before = [](std::string_view) {};
  world.deliver("next");
  world.end(world.in_children.newest(), {Returned{}});
  CHECK(world.service.completed.size() == 1);
  CHECK(world.failures == 0);
}

TEST_CASE("a thousand polls that end empty are followed by a thousand and one") {
  World world(1);
  for (int i = 0; i < 1000; ++i) {
    world.service.end_polls();
    settle(world.loop);
  }
  CHECK(world.service.polls == 1001);
  CHECK(world.service.open_polls == 1);
  CHECK(world.log.count(LogLevel::warn) == 0);
}

TEST_CASE("a type that nobody registered is a failure that names those that are") {
  World world(1);
  world.deliver("one", "pay");
  REQUIRE(world.service.failed.size() == 1);
  const auto& failure = world.service.failed[0].failure();
  CHECK(failure.application_failure_info().type() == "NotFoundError");
  CHECK_FALSE(failure.application_failure_info().non_retryable());
  CHECK(failure.message() == "this worker has no activity 'pay'; it has: coroutine, plain");
  CHECK(world.permits.taken() == 1);
  CHECK(world.tasks->running() == 0);
}

TEST_CASE("a task that arrives while the worker stops is run and answered") {
  World world(2);
  world.tasks->stop_polling();
  world.deliver("late");
  CHECK(world.service.open_polls == 1);
  CHECK(world.in_children.started == Answers{"late"});
  world.end(world.in_children.newest(), {Returned{}});
  CHECK(world.service.answers == Answers{"completed late"});
  CHECK(world.service.polls == 2);  // and no poll follows
}

TEST_CASE("who waits for a place when polling ends is let go, with no poll") {
  World world(2, /*activities=*/1);
  CHECK(world.service.polls == 1);
  run(world.loop, world.tasks->end_polling(1ms));
  CHECK(world.service.open_polls == 0);
  CHECK(world.service.polls == 1);
  CHECK(world.permits.taken() == 0);
  CHECK(world.failures == 0);
}

TEST_CASE("the steps of a stop reach every activity, the late ones too") {
  World world;
  world.deliver("one", "plain");
  world.deliver("two", "coroutine");
  world.tasks->stop_polling();
  world.tasks->notify_shutdown();
  CHECK(world.in_children.newest().notices == 1);
  CHECK(world.on_loops.newest().notices == 1);
  world.deliver("three", "plain");
  CHECK(world.in_children.newest().notices == 1);

  world.tasks->cancel_all(CancelReason::worker_shutdown);
  for (auto& execution : world.in_children.executions)
    CHECK(execution.cancels == std::vector{CancelReason::worker_shutdown});
  world.tasks->terminate_all();
  for (auto& execution : world.in_children.executions) CHECK(execution.terminations == 1);

  bool drained = false;
  asio::co_spawn(world.loop, world.tasks->drained(),
                 [&](const std::exception_ptr&) { drained = true; });
  world.end(world.on_loops.newest(), {ThrewCancelled{}});
  CHECK_FALSE(drained);
  auto killed = threw(ApplicationError("killed", {.type = "ActivityProcessKilled"}));
  killed.killed_here = true;
  for (auto& execution : world.in_children.executions) world.end(execution, {killed});
  CHECK(drained);
  CHECK(world.service.failed.size() == 3);
  for (const auto& failed : world.service.failed)
    CHECK(failed.failure().application_failure_info().type() == "WorkerShutdown");
}

TEST_CASE("AC9 what nothing has ended is answered for, and goes on to be counted") {
  World world;
  world.deliver("one", "plain");
  world.deliver("two", "coroutine");
  world.tasks->cancel_all(CancelReason::worker_shutdown);
  world.tasks->terminate_all();
  bool answered = false;
  asio::co_spawn(world.loop, world.tasks->abandon_all(),
                 [&](const std::exception_ptr&) { answered = true; });
  settle(world.loop);
  CHECK(answered);
  CHECK(world.service.answers == Answers{"failed one", "failed two"});
  CHECK(world.tasks->running() == 2);
  world.end(world.in_children.newest(), {Returned{}});
  world.end(world.on_loops.newest(), {Returned{}});
  CHECK(world.service.answers.size() == 2);
  CHECK(world.tasks->running() == 0);
}

TEST_CASE("a poll that fails for good is told to whoever started polling") {
  World world(1);
  world.service.before = [](std::string_view rpc) {
    if (rpc.starts_with("Poll")) refuse(RpcCode::permission_denied, "no");
  };
  world.service.end_polls();
  settle(world.loop);
  CHECK(world.failures == 1);
  CHECK(world.permits.taken() == 0);
}

TEST_CASE("what an open poll still brings while the worker stops is looked at too") {
  World world;
  world.tasks->stop_polling();
  world.deliver("one");
  world.end(world.in_children.newest(), {Returned{}});
  auto task = activity_task("late", "plain");
  to_proto(1s, task.mutable_start_to_close_timeout());
  world.service.deliver(std::move(task));
  settle(world.loop);
  CHECK(world.in_children.started == Answers{"one", "late"});
  world.clock.advance(1h);
  world.loop.restart();
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  while (world.in_children.newest().cancels.empty() && std::chrono::steady_clock::now() < give_up)
    world.loop.run_one_for(100ms);
  CHECK(world.in_children.newest().cancels == std::vector{CancelReason::timed_out});
}

TEST_CASE("what runs is looked at: an activity that overran its timeout is told") {
  World world;
  auto task = activity_task("late", "plain");
  to_proto(1s, task.mutable_start_to_close_timeout());
  world.service.deliver(std::move(task));
  settle(world.loop);
  world.clock.advance(1h);
  world.loop.restart();
  while (world.in_children.newest().cancels.empty()) world.loop.run_one();
  CHECK(world.in_children.newest().cancels == std::vector{CancelReason::timed_out});
}
