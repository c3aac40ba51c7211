// SPDX-License-Identifier: MIT
// When a run leaves memory before its end, and where it is destroyed.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/supervisor/tasks/sticky_worker.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace enums = api::enums::v1;

namespace {

using Answers = std::vector<std::string>;
using World = StickyWorker;

}  // namespace

TEST_CASE("a run whose completion the server refused is forgotten: its state is not in history") {
  World world;
  ServedRun run("a");
  world.service.before = [](std::string_view rpc) {
    if (rpc == "RespondWorkflowTaskCompleted") refuse(RpcCode::not_found, "timed out");
  };
  world.serve(run.whole());
  world.service.before = [](std::string_view) {};
  CHECK(world.tasks->cached() == 0);
  CHECK(world.tasks->cache_counts().evictions == 1);
  CHECK(sticky_workflows::destroyed_on.size() == 1);
}

TEST_CASE("R022 a task that the server takes back is rolled back, and the run goes on in memory") {
  World world;
  ServedRun run("a");
  world.serve(run.whole());
  world.service.on_workflow_completed = [] {
    ws::RespondWorkflowTaskCompletedResponse response;
    response.set_reset_history_event_id(3);
    return response;
  };
  // It brings no more than was written already: an update, say, that is turned down.
  ServedRun taken_back = run;
  taken_back.history.task_completed();
  taken_back.history.timer_started("1");
  taken_back.previous = taken_back.started;
  taken_back.started = taken_back.history.task();
  world.serve_sticky(taken_back.news());
  CHECK(world.tasks->cached() == 1);
  world.service.on_workflow_completed = [] { return ws::RespondWorkflowTaskCompletedResponse(); };
  run.timer_fires("1");
  world.serve_sticky(run.news());
  CHECK(world.tasks->cache_counts().hits == 2);
  CHECK(world.tasks->cache_counts().misses == 0);
}

TEST_CASE("a task that fails takes its run out of memory") {
  World world;
  ServedRun run("a", "FailsLater");
  world.serve(run.whole());
  CHECK(world.tasks->cached() == 1);
  run.timer_fires("1");
  world.serve_sticky(run.news());
  CHECK(world.service.answers == Answers{"workflow completed a 3", "workflow failed a 8"});
  CHECK(world.tasks->cached() == 0);
}

TEST_CASE("a change of code that history does not bear fails the task and takes the run along") {
  World world;
  ServedRun run("a");
  world.serve(run.whole());
  run.history.task_completed();
  const auto scheduled = run.history.activity_scheduled("1", "another");  // not what the code did
  run.history.activity_completed(scheduled, 1);
  run.previous = run.started;
  run.started = run.history.task();
  world.serve_sticky(run.news());
  REQUIRE(world.service.workflow_failed.size() == 1);
  CHECK(world.service.workflow_failed[0].cause() ==
        enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
  CHECK(world.tasks->cached() == 0);
}

TEST_CASE("R011 the least recently used run makes room, destroyed on a workflow thread") {
  World world(2);
  std::vector<ServedRun> runs;
  for (const char* id : {"a", "b", "c"}) {
    runs.emplace_back(id);
    world.serve(runs.back().whole());
  }
  CHECK(world.tasks->cached() == 2);
  CHECK(world.tasks->cache_counts().evictions == 1);
  REQUIRE(sticky_workflows::destroyed_on.size() == 1);
  CHECK(sticky_workflows::destroyed_on[0] != std::this_thread::get_id());
  // It was the first one.
  int calls = 0;
  runs[0].timer_fires("1");
  gives_history(world.service, runs[0], calls);
  world.serve_sticky(runs[0].news());
  CHECK(calls > 0);
  runs[2].timer_fires("1");
  world.serve_sticky(runs[2].news());
  CHECK(world.tasks->cache_counts().hits == 1);
  CHECK(world.service.answers.size() == 5);
}

TEST_CASE("a run that takes more memory than it may fails its task by name, and is forgotten") {
  for (const bool allowed : {false, true}) {
    StickyWorker world(10, 10s, {}, allowed ? 2 << 20 : 1 << 20);
    world.serve(ServedRun("a", "Hoards").whole());
    CHECK(world.tasks->cached() == (allowed ? 1 : 0));
    if (allowed) {
      CHECK(world.tasks->cached_bytes() > 1 << 20);
      continue;
    }
    REQUIRE(world.service.workflow_failed.size() == 1);
    const auto& failure = world.service.workflow_failed[0].failure();
    INFO(failure.message());
    CHECK(failure.message().find("type Hoards holds 10") != std::string::npos);
    CHECK(failure.message().find("1048576 are allowed") != std::string::npos);
    CHECK(world.service.workflow_completed.empty());
  }
}

TEST_CASE("K004 at the end all runs are destroyed, none on the core loop") {
  World world;
  for (const char* id : {"a", "b", "c"}) world.serve(ServedRun(id).whole());
  CHECK(world.tasks->cached() == 3);
  CHECK(sticky_workflows::destroyed_on.empty());
  world.tasks->forget_runs();
  CHECK(world.tasks->cached() == 0);
  run(world.loop, world.tasks->end_polling(0s));
  run(world.loop, world.tasks->drained());
  CHECK(sticky_workflows::destroyed_on.size() == 3);
  for (auto thread : sticky_workflows::destroyed_on) CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("L018 a destructor that never returns costs its thread, and is reported") {
  Stuck stuck;
  sticky_workflows::stuck = &stuck;
  World world(1, 300ms);
  world.serve(ServedRun("a", "HangsInItsDestructor").whole());
  world.serve(ServedRun("b").whole());  // which makes "a" go
  CHECK(world.threads.lost() == 1);
  CHECK(world.log.count(LogLevel::error) == 1);
  world.serve(ServedRun("c").whole());
  CHECK(world.service.answers.size() == 3);
  stuck.release();
}
