// SPDX-License-Identifier: MIT
// Cancellation of the workflow: once, at the next turn of the loop, for everything that is pending
// then.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace cancel_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int work() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

struct Waits {
  Task<> run() {
    note("begin");
    co_await workflow::sleep(1h);
  }
};

struct WaitsForActivity {
  Task<> run() { co_await workflow::execute_activity<work>(kQuick); }
};

// The first await after the cancellation is not cancelled again (L007).
struct CleansUp {
  Task<> run() {
    try {
      co_await workflow::sleep(1h);
    } catch (const Cancelled& cancelled) {
      note(cancelled.message());
    }
    note(workflow::is_cancelled() ? "is cancelled" : "is not");
    co_await workflow::sleep(1s);
    note("cleaned up");
  }
};

struct Both {
  Task<> run() {
    auto activity = workflow::execute_activity<work>(kQuick);
    auto timer = workflow::sleep(1h);
    co_await timer;
  }
};

// L006: the cancellation comes before the condition is looked at.
struct Condition {
  Task<> run() {
    try {
      const bool held = co_await workflow::wait_condition([&] { return flag_; }, 1h);
      note(held ? "held" : "timed out");
    } catch (const Cancelled&) {
      note("cancelled");
    }
  }
  void set() { flag_ = true; }
  bool flag_ = false;
};

struct FailsAfterCancel {
  Task<> run() {
    try {
      co_await workflow::sleep(1h);
    } catch (const Cancelled&) {
    }
    throw ApplicationError("no");
  }
};

struct CancelsOwnTimer {
  Task<> run() {
    auto timer = workflow::sleep(1h);
    timer.cancel();
    co_await timer;
  }
};

struct Restarts {
  Task<> run() {
    for (;;) {
      try {
        co_await workflow::sleep(10min);
        note("fired");
      } catch (const Cancelled&) {
        note("cancelled");
      }
    }
  }
};

void fill(Module& m) {
  m.workflow<Waits>();
  m.workflow<WaitsForActivity>();
  m.workflow<CleansUp>();
  m.workflow<Both>();
  m.workflow<Condition>().signal<&Condition::set>();
  m.workflow<FailsAfterCancel>();
  m.workflow<CancelsOwnTimer>();
  m.workflow<Restarts>();
}
const TestModule module(fill);

TEST_CASE("a cancellation that leaves run() ends the workflow as Canceled") {
  HistoryBuilder h("Waits");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.cancel_requested("enough");
  h.task();
  Run run(module, "Waits");
  auto outcome = run.task(h.history(), 3);
  CHECK(commands_of(outcome) == Lines{"CancelTimer (timer id '1')", "CancelWorkflowExecution"});
  CHECK(outcome.finished);
  h.task_completed();
  h.timer_canceled(timer);
  h.canceled();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE(
    "N001: cancelled before its first task, the first step of run() still runs; nothing is sent "
    "but the end") {
  HistoryBuilder h("Waits");
  h.cancel_requested();
  h.task();
  Run run(module, "Waits");
  CHECK(commands_of(run.task(h.history())) == Lines{"CancelWorkflowExecution"});
  CHECK(trace() == Lines{"begin"});
}

TEST_CASE("V016: an activity's error caused by the cancellation counts as it") {
  HistoryBuilder h("WaitsForActivity");
  h.whole_task();
  h.activity_scheduled("1", "work");
  h.cancel_requested();
  h.task();
  Run run(module, "WaitsForActivity");
  CHECK(commands_of(run.task(h.history(), 3)) ==
        Lines{"RequestCancelActivityTask (of the activity scheduled by event 5)",
              "CancelWorkflowExecution"});
}

TEST_CASE("what is pending is cancelled in the order in which it was started") {
  HistoryBuilder h("Both");
  h.whole_task();
  h.activity_scheduled("1", "work");
  h.timer_started("1");
  h.cancel_requested();
  h.task();
  Run run(module, "Both");
  CHECK(commands_of(run.task(h.history(), 3)) ==
        Lines{"RequestCancelActivityTask (of the activity scheduled by event 5)",
              "CancelTimer (timer id '1')", "CancelWorkflowExecution"});
}

TEST_CASE(
    "L007, N004, N005: a caught cancellation does not come again, also when asked for twice") {
  HistoryBuilder h("CleansUp");
  h.whole_task();
  h.timer_started("1");
  h.cancel_requested();
  h.cancel_requested();
  h.task();
  Run run(module, "CleansUp");
  CHECK(commands_of(run.task(h.history(), 3)) ==
        Lines{"CancelTimer (timer id '1')", "StartTimer (timer id '2')"});
  h.task_completed();
  h.timer_canceled(5);
  const auto second = h.timer_started("2");
  h.timer_fired(second);
  h.cancel_requested();
  h.task();
  CHECK(commands_of(run.task(h.since(10), 9)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"the timer was cancelled", "is cancelled", "cleaned up"});
}

TEST_CASE("L006: cancel and condition in one activation: cancel wins") {
  HistoryBuilder h("Condition");
  h.whole_task();
  h.timer_started("1");
  h.signaled("set");
  h.cancel_requested();
  h.task();
  Run run(module, "Condition");
  CHECK(commands_of(run.task(h.history(), 3)) ==
        Lines{"CancelTimer (timer id '1')", "CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"cancelled"});
}

TEST_CASE("L025: cancel and fired timer in one task resolve once, by what came first") {
  HistoryBuilder h("Restarts");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.cancel_requested();
  h.timer_fired(timer);
  h.task();
  Run run(module, "Restarts");
  CHECK(commands_of(run.task(h.history(), 3)) == Lines{"StartTimer (timer id '2')"});
  CHECK(trace() == Lines{"fired"});
}

TEST_CASE(
    "a failure after the cancellation fails the workflow; a cancellation nobody asked for does "
    "too") {
  HistoryBuilder h("FailsAfterCancel");
  h.whole_task();
  h.timer_started("1");
  h.cancel_requested();
  h.task();
  Run run(module, "FailsAfterCancel");
  CHECK(commands_of(run.task(h.history(), 3)) ==
        Lines{"CancelTimer (timer id '1')", "FailWorkflowExecution"});

  HistoryBuilder own("CancelsOwnTimer");
  own.task();
  Run cancels(module, "CancelsOwnTimer");
  auto outcome = cancels.task(own.history());
  REQUIRE(commands_of(outcome) == Lines{"FailWorkflowExecution"});
  CHECK(outcome.commands[0]
            .fail_workflow_execution_command_attributes()
            .failure()
            .has_canceled_failure_info());
}

}  // namespace cancel_test
