// SPDX-License-Identifier: MIT
#include "supervisor/tasks/poisoned_runs.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/supervisor/tasks/crash_pages.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::test::CrashPages;

namespace {

using Time = PoisonedRuns::Time;
constexpr Time kStart{std::chrono::hours(500'000)};

struct World : CrashPages {
  Time now = kStart;
  PoisonedRuns runs(const CrashHistory& of) {
    return PoisonedRuns(of, [this] { return now; });
  }
  PoisonedRuns runs() { return runs(history()); }
};

}  // namespace

TEST_CASE("a run that crashed the worker is refused, with signal, stack and the time to wait") {
  World world;
  world.add(world.history(), "a", "token", kStart - 3s);
  const auto runs = world.runs();
  const auto refusal = runs.refuses("a");
  REQUIRE(refusal);
  CHECK_FALSE(refusal->told);
  CHECK(refusal->failure.text ==
        "this workflow's code crashed the worker 1 time, by SIGABRT in die at deadly.cpp:3, called "
        "by run at deadly.cpp:7. It is tried again in 10 s, and at once by a worker with corrected "
        "modules");
  CHECK(refusal->failure.failure.stack_trace() == "die at deadly.cpp:3\nrun at deadly.cpp:7");
  CHECK(refusal->failure.failure.application_failure_info().type() == "WorkerCrashed");
  CHECK_FALSE(runs.refuses("b"));
}

TEST_CASE("it is tried again after 10 s, and after twice as long with each crash, up to an hour") {
  World world;
  const auto waits = [&] {
    const auto runs = world.runs();
    auto seconds = 0s;
    for (; runs.refuses("a"); ++seconds) world.now += 1s;
    world.now = kStart;
    return seconds;
  };
  CHECK(waits() == 0s);
  for (const auto expected : {10s, 20s, 40s, 80s}) {
    world.add(world.history(), "a", "", kStart);
    CHECK(waits() == expected);
  }
  for (int more = 0; more < 20; ++more) world.add(world.history(), "a", "", kStart);
  CHECK(waits() == 1h);
}

TEST_CASE("a run that was tried and did not crash has no pages any more") {
  World world;
  world.add(world.history(), "a", "", kStart);
  world.add(world.history(), "a", "", kStart);
  world.add(world.history(), "b", "", kStart);
  auto runs = world.runs();
  runs.absolve("a");
  CHECK_FALSE(runs.refuses("a"));
  CHECK(world.left() == 1);
  CHECK_FALSE(world.runs().refuses("a"));
  CHECK(world.runs().refuses("b"));
}

TEST_CASE("corrected modules are tried at once, and the old ones wait as before") {
  World world;
  world.add(world.history(), "a", "token", kStart);
  auto corrected = world.runs(world.history("queue", "two"));
  CHECK_FALSE(corrected.refuses("a"));
  CHECK(corrected.take_unanswered().empty());
  CHECK(world.runs().refuses("a"));
}

TEST_CASE("workers of other queues have nothing to do with it") {
  World world;
  world.add(world.history("queue"), "a", "token", kStart - 25h);
  world.add(world.history("queue"), "a", "token", kStart);
  auto other = world.runs(world.history("another"));
  CHECK_FALSE(other.refuses("a"));
  CHECK(other.take_unanswered().empty());
  CHECK(world.left() == 2);
}

TEST_CASE("a crash of yesterday is forgotten") {
  World world;
  world.add(world.history(), "a", "", kStart - 25h);
  world.add(world.history(), "a", "", kStart);
  CHECK(world.runs().refuses("a")->failure.text.find("1 time,") != std::string::npos);
  CHECK(world.left() == 1);
}

TEST_CASE("a clock that was set back keeps no run out for longer than the longest wait") {
  World world;
  world.add(world.history(), "a", "", kStart + 2h);
  CHECK_FALSE(world.runs().refuses("a"));
}

TEST_CASE("the tasks that ended with their process are there once, to be failed") {
  World world;
  const std::string token("to\0k\n", 5);
  world.add(world.history(), "a", token, kStart);
  world.add(world.history(), "b", "", kStart);  // crashed while it was destroyed
  auto runs = world.runs();
  const auto unanswered = runs.take_unanswered();
  REQUIRE(unanswered.size() == 1);
  CHECK(unanswered[0].run_id == "a");
  CHECK(unanswered[0].task_token == token);
  CHECK(unanswered[0].failure.text.find("SIGABRT") != std::string::npos);
  CHECK(runs.take_unanswered().empty());
  runs.told("a");
  CHECK(runs.refuses("a")->told);
  CHECK_FALSE(runs.refuses("b")->told);
}

TEST_CASE(
    "a token that is too long for a page is left out, and without a folder there is no note") {
  World world;
  world.add(world.history(), "a", std::string(5'000, 'x'), kStart);
  auto runs = world.runs();
  CHECK(runs.refuses("a"));
  CHECK(runs.take_unanswered().empty());
  CHECK(PoisonedRuns({}).note("token").empty());
}
