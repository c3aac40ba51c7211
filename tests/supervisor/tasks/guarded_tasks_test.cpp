// SPDX-License-Identifier: MIT
// Workflow code that asks the world, on real workflow threads.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "supervisor/threads/tripwire.hpp"
#include "temporal/unsafe.hpp"
#include "temporal/workflow.hpp"
#include "tests/supervisor/tasks/workflow_worker.hpp"
#include "tests/support/history_builder.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace enums = api::enums::v1;

namespace guarded_workflows {

std::function<void()> act;

[[gnu::noinline]] void act_now() {
  act();
  asm volatile("");
}

struct Acts {
  Task<> run() {
    act_now();
    co_await workflow::sleep(1h);
  }
};

struct Catches {
  Task<int> run() {
    try {
      act();
      throw ApplicationError("thrown and caught", {.type = "Nothing"});
    } catch (const std::exception&) {
    }
    co_return 1;
  }
};

}  // namespace guarded_workflows

namespace {

using guarded_workflows::act;

bool skipped() {
  if (!Tripwire::kAvailable) MESSAGE("skipped: the sanitizer stands in for the same functions");
  return !Tripwire::kAvailable;
}

void fill(Module& m) {
  m.workflow<guarded_workflows::Acts>();
  m.workflow<guarded_workflows::Catches>();
}

struct World : WorkflowWorker {
  explicit World(DeterminismGuard guard = DeterminismGuard::fail)
      : WorkflowWorker(fill, {.guard = guard}) {}

  void serve(const std::string& type) {
    testing::HistoryBuilder history(type);
    ws::PollWorkflowTaskQueueResponse task;
    task.set_task_token("t");
    task.mutable_workflow_execution()->set_workflow_id("workflow");
    task.mutable_workflow_execution()->set_run_id("run");
    task.mutable_workflow_type()->set_name(type);
    task.set_started_event_id(history.task());
    task.set_attempt(1);
    *task.mutable_history() = history.history();
    WorkflowWorker::serve(std::move(task));
  }
};

// What the task failed with when its code does that; empty: it did not fail.
std::string failure_of(std::function<void()> what) {
  World world;
  act = std::move(what);
  world.serve("Acts");
  if (world.service.workflow_failed.empty()) return {};
  const auto& failed = world.service.workflow_failed[0];
  CHECK(failed.cause() == enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
  CHECK(failed.failure().message().starts_with("[TMPRL1100] "));
  CHECK(failed.failure().stack_trace().find("guarded_workflows::act_now()") != std::string::npos);
  CHECK(world.service.workflow_completed.empty());
  return failed.failure().message();
}

}  // namespace

TEST_CASE("workflow code that asks the world fails its task, by the name of what it called") {
  if (skipped()) return;
  timespec moment{0, 1'000};
  timeval of_day{};
  char byte = 0;
  const std::map<std::string, std::vector<std::function<void()>>> calls{
      {"usleep", {[] { ::usleep(1); }}},
      {"nanosleep",
       {[&] { ::nanosleep(&moment, nullptr); }, [] { std::this_thread::sleep_for(1us); }}},
      {"clock_nanosleep", {[&] { ::clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr); }}},
      {"time", {[] { (void)::time(nullptr); }}},
      {"gettimeofday", {[&] { ::gettimeofday(&of_day, nullptr); }}},
      {"clock_gettime",
       {[] { (void)std::chrono::system_clock::now(); },
        [] { (void)std::chrono::steady_clock::now(); }}},
      {"rand", {[] { (void)std::rand(); }}},
      {"random", {[] { (void)::random(); }}},
      {"drand48", {[] { (void)::drand48(); }}},
      {"getrandom", {[&] { (void)::getrandom(&byte, 1, 0); }}},
      {"getentropy", {[&] { (void)::getentropy(&byte, 1); }}},
      {"std::random_device", {[] { (void)std::random_device()(); }}},
      {"socket", {[] { ::close(::socket(AF_INET, SOCK_STREAM, 0)); }}},
      {"open", {[] { ::close(::open("/dev/null", O_RDONLY)); }}},
      {"openat", {[] { ::close(::openat(AT_FDCWD, "/dev/null", O_RDONLY)); }}},
      {"fopen", {[] { std::ifstream file("/dev/null"); }}},
      {"pthread_create", {[] { std::thread([] {}).join(); }}},
  };
  for (const auto& [name, ways] : calls)
    for (const auto& way : ways) {
      CAPTURE(name);
      const auto text = failure_of(way);
      INFO(text);
      CHECK(text.find("of type Acts called " + name + "(), which") != std::string::npos);
    }
}

TEST_CASE("every function on the list has advice") {
  if (skipped()) return;
  CHECK(Tripwire::listed().size() >= 30);
  for (const auto* call : Tripwire::listed()) CHECK(std::string(call->advice).size() > 10);
}

TEST_CASE("the first call is told, and the truth is what it returns") {
  if (skipped()) return;
  time_t told = 0;
  const auto before = ::time(nullptr);
  const auto text = failure_of([&] {
    told = ::time(nullptr);
    (void)std::rand();
  });
  CHECK(text.find("called time()") != std::string::npos);
  CHECK(told >= before);
  CHECK(told <= ::time(nullptr));
}

TEST_CASE("memory, exceptions, the log and the workflow's own clock are no violation") {
  World world;
  act = [] {
    std::vector<std::string> much(1'000, std::string(1'000, 'x'));
    workflow::log().info("much", {{"size", much.size()}, {"at", workflow::uuid7()}});
    (void)workflow::now();
    (void)workflow::random()();
  };
  world.serve("Catches");
  CHECK(world.service.answers == std::vector<std::string>{"workflow completed t"});
}

TEST_CASE("what is allowed is let alone, and nothing after it") {
  if (skipped()) return;
  CHECK(failure_of([] {
          const workflow::unsafe::allow reading, also;
          (void)::time(nullptr);
          (void)std::rand();
        }).empty());
  const auto text = failure_of([] {
    {
      const workflow::unsafe::allow reading;
      (void)::time(nullptr);
    }
    (void)std::rand();
  });
  CHECK(text.find("called rand()") != std::string::npos);
}

TEST_CASE("an `allow` that outlives its step does not reach into the next") {
  if (skipped()) return;
  std::unique_ptr<workflow::unsafe::allow> kept;
  CHECK(failure_of([&] { kept = std::make_unique<workflow::unsafe::allow>(); }).empty());
  const auto text = failure_of([&] {
    kept.reset();
    (void)::time(nullptr);
  });
  CHECK(text.find("called time()") != std::string::npos);
}

TEST_CASE("the guard may only log, or be off") {
  if (skipped()) return;
  for (const auto guard : {DeterminismGuard::log, DeterminismGuard::off}) {
    World world(guard);
    act = [] { (void)::time(nullptr); };
    world.serve("Acts");
    CHECK(world.service.answers == std::vector<std::string>{"workflow completed t"});
    CHECK(world.log.count(LogLevel::warn) == (guard == DeterminismGuard::log ? 1 : 0));
    const bool counted =
        world.registry.text().find("supervisor_determinism_violations") != std::string::npos;
    CHECK(counted == (guard == DeterminismGuard::log));
  }
}

TEST_CASE("outside of workflow code nobody looks") {
  if (skipped()) return;
  {
    const Tripwire tripwire;
    std::thread([] { (void)::time(nullptr); }).join();
    REQUIRE(tripwire.tripped());
    CHECK(std::string(tripwire.tripped()->call.name) == "pthread_create");
  }
  (void)::time(nullptr);  // nobody there to tell
}
