// SPDX-License-Identifier: MIT
// What code may know of the world along a history: the order of a race, the clock, the replay flag,
// random numbers, sizes.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace determinism_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

std::string say_hello(std::string) { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

struct Race {
  Task<std::string> run() {
    auto timer = workflow::sleep(1min);
    auto hello = workflow::execute_activity<say_hello>(kQuick, "x");
    note(stamp());
    co_await workflow::wait_condition([&] { return timer.ready() || hello.ready(); });
    note(stamp());
    const std::string winner = timer.ready() ? "timer" : "activity";
    co_await hello;
    note(stamp());
    co_return winner;
  }
  static std::string stamp() {
    const auto id = std::chrono::duration_cast<std::chrono::seconds>(workflow::now() -
                                                                     HistoryBuilder::time_of(0))
                        .count();
    return std::to_string(id) + (workflow::is_replaying() ? " replaying" : " live");
  }
};

struct Draws {
  Task<> run() {
    for (;;) {
      note(std::to_string(workflow::random()()) + " " + workflow::uuid4());
      co_await workflow::sleep(1s);
    }
  }
};

struct Sizes {
  Task<> run() {
    for (;;) {
      const auto& info = workflow::info();
      note(std::to_string(info.history_length) + " " + std::to_string(info.history_size) +
           (workflow::continue_as_new_suggested() ? " suggested" : ""));
      co_await workflow::sleep(1s);
    }
  }
};

void fill(Module& m) {
  m.workflow<Race>();
  m.workflow<Draws>();
  m.workflow<Sizes>();
}
const TestModule module(fill);

TEST_CASE("Y003, V025: a race is decided as it was live, at the times of the tasks") {
  HistoryBuilder h("Race");
  h.whole_task();                                                // 2-4
  const auto timer = h.timer_started("1");                       // 5
  const auto activity = h.activity_scheduled("1", "say_hello");  // 6
  h.timer_fired(timer);                                          // 7
  h.whole_task();                                                // 8-10
  h.activity_started(activity);                                  // 11
  h.activity_completed(activity, "late");                        // 12
  h.task();                                                      // 13-14
  Run run(module, "Race");
  auto outcome = run.task(h.history(), 9);
  REQUIRE(commands_of(outcome) == Lines{"CompleteWorkflowExecution"});
  CHECK(outcome.commands[0]
            .complete_workflow_execution_command_attributes()
            .result()
            .payloads(0)
            .data() == "\"timer\"");
  CHECK(trace() == Lines{"3 replaying", "9 replaying", "14 live"});
}

TEST_CASE("R007 the replay flag of a fresh run, a cached run and a rebuilt run") {
  HistoryBuilder h("Race");
  h.task();
  Run run(module, "Race");
  (void)run.task(h.history());
  CHECK(trace() == Lines{"3 live"});

  h.task_completed();
  const auto timer = h.timer_started("1");
  h.activity_scheduled("1", "say_hello");
  h.timer_fired(timer);
  h.task();
  (void)run.task(h.since(4), 3);
  CHECK(trace() == Lines{"3 live", "9 live"});

  Run rebuilt(module, "Race");
  auto outcome = rebuilt.task(h.history(), 3);
  CHECK(failure_of(outcome) == "");
  CHECK(trace() == Lines{"3 replaying", "9 live"});
  CHECK(outcome.commands.empty());
}

TEST_CASE("T-25: a replayed history that ends in a completed task stays replay") {
  HistoryBuilder h("Race");
  h.whole_task();  // what its commands became may have been cut off
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"3 replaying"});
}

TEST_CASE("B009 the clock never goes backward") {
  HistoryBuilder h("Race");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.activity_scheduled("1", "say_hello");
  h.timer_fired(timer);
  h.task();
  h.last().mutable_event_time()->set_seconds(1'700'000'001);
  Run run(module, "Race");
  (void)run.task(h.history(), 3);
  CHECK(trace() == Lines{"3 replaying", "3 live"});
}

TEST_CASE("B010 random numbers are the run's: equal on replay, other ones after a reset") {
  HistoryBuilder h("Draws");
  h.whole_task();
  auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.whole_task();
  timer = h.timer_started("2");
  h.timer_fired(timer);
  h.task();
  Run live(module, "Draws");
  (void)live.task(h.history(), 8);
  const auto drawn = trace();
  REQUIRE(drawn.size() == 3);
  CHECK(drawn[0] != drawn[1]);
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == drawn);

  HistoryBuilder reset("Draws");
  reset.whole_task();
  timer = reset.timer_started("1");
  reset.timer_fired(timer);
  reset.task();
  reset.task_failed(enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW, "another-run");
  reset.whole_task();
  timer = reset.timer_started("2");
  Run after(module, "Draws");
  CHECK(replayed(module, reset) == "ok");
  REQUIRE(trace().size() == 2);
  CHECK(trace()[0] == drawn[0]);
  CHECK(trace()[1] != drawn[1]);
}

TEST_CASE(
    "B008: history length, size and the continue-as-new hint are those of the chunk's own task") {
  HistoryBuilder h("Sizes");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  auto* started = h.last().mutable_workflow_task_started_event_attributes();
  started->set_history_size_bytes(4711);
  started->set_suggest_continue_as_new(true);
  Run run(module, "Sizes");
  (void)run.task(h.history(), 3);
  CHECK(trace() == Lines{"3 0", "8 4711 suggested"});
}

TEST_CASE("T-86: one history gives the same commands every time") {
  HistoryBuilder h("Race");
  h.task();
  std::string first;
  for (int i = 0; i < 50; ++i) {
    Run run(module, "Race");
    std::string bytes;
    for (const auto& command : run.task(h.history()).commands) bytes += command.DebugString();
    if (i == 0) first = bytes;
    CHECK(bytes == first);
  }
}

}  // namespace determinism_test
