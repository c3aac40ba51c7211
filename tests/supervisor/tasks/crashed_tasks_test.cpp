// SPDX-License-Identifier: MIT
// What a worker does with the tasks of runs that crashed the one before it.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/supervisor/tasks/crash_pages.hpp"
#include "tests/supervisor/tasks/sticky_worker.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace enums = api::enums::v1;

namespace {

using Answers = std::vector<std::string>;
const auto now = &std::chrono::system_clock::now;

}  // namespace

TEST_CASE("the task that crashed the worker before fails with the crash; others run") {
  const CrashPages pages;
  pages.add(pages.history(), "a", "lost", now());
  StickyWorker world(pages.history());
  settle(world.loop);
  REQUIRE(world.service.answers == Answers{"workflow failed lost"});
  const auto& failed = world.service.workflow_failed[0];
  CHECK(failed.cause() == enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  CHECK(failed.failure().message().find("crashed the worker 1 time, by SIGABRT in die at") !=
        std::string::npos);
  CHECK(failed.failure().stack_trace().find("deadly.cpp:3") != std::string::npos);
  CHECK(failed.namespace_() == "shop");
  CHECK(failed.identity() == "1@host");

  // The server knows: the next attempt waits in silence.
  ServedRun again("a");
  auto task = again.whole();
  task.set_attempt(2);
  world.serve(std::move(task));
  world.serve(ServedRun("b").whole());
  CHECK(world.service.answers == Answers{"workflow failed lost", "workflow completed b 3"});
  CHECK(pages.left() == 1);
}

TEST_CASE("when the server has forgotten the task, the next one of the run fails aloud, once") {
  const CrashPages pages;
  pages.add(pages.history(), "a", "", now());
  StickyWorker world(pages.history());
  for (int attempt : {2, 3}) {
    auto task = ServedRun("a").whole();
    task.set_attempt(attempt);
    world.serve(std::move(task));
  }
  CHECK(world.service.answers == Answers{"workflow failed a 3"});
}

TEST_CASE("a run that is tried and does not crash has no pages any more") {
  const CrashPages pages;
  // A clock that was set back keeps nobody out.
  pages.add(pages.history(), "a", "", now() + 2h);
  StickyWorker world(pages.history());
  world.serve(ServedRun("a").whole());
  CHECK(world.service.answers == Answers{"workflow completed a 3"});
  CHECK(pages.left() == 0);
}

TEST_CASE("a question to such a run is answered with the crash, and runs nothing") {
  const CrashPages pages;
  pages.add(pages.history(), "a", "", now());
  StickyWorker world(pages.history());
  auto question = ServedRun("a").whole();
  question.mutable_query()->set_query_type("state");
  world.serve(std::move(question));
  REQUIRE(world.service.queries.size() == 1);
  CHECK(world.service.queries[0].failure().message().find("SIGABRT") != std::string::npos);
  CHECK(sticky_workflows::begun == 0);
}
