// SPDX-License-Identifier: MIT
// Reference sequences of events, and what is refused.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace replay_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

std::string say_hello(std::string) { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

struct Greet {
  Task<std::string> run(std::string name) {
    note("start " + name);
    co_return co_await workflow::execute_activity<say_hello>(kQuick, name);
  }
};

struct TimerUntilSignal {
  Task<> run() {
    auto timer = workflow::sleep(1h);
    co_await workflow::wait_condition([&] { return signalled_; });
    timer.cancel();
  }
  void stop() { signalled_ = true; }
  bool signalled_ = false;
};

struct Batch {
  Task<> run() {
    note("run");
    co_await workflow::wait_condition([&] { return seen_ == 1; });
  }
  void poke(std::string what) {
    note("signal " + what);
    ++seen_;
  }
  int seen_ = 0;
};

struct Again {
  Task<> run(int round) {
    co_await workflow::sleep(1s);
    workflow::continue_as_new<Again>({.task_queue = "other"}, round + 1);
  }
};

void fill(Module& m) {
  m.workflow<Greet>();
  m.workflow<TimerUntilSignal>().signal<&TimerUntilSignal::stop>();
  m.workflow<Batch>().signal<&Batch::poke>();
  m.workflow<Again>();
}
const TestModule module(fill);

TEST_CASE("A1: a single activity, live in two tasks and replayed") {
  HistoryBuilder h("Greet", "World");
  h.task();
  Run run(module, "Greet");
  auto first = run.task(h.history());
  CHECK(failure_of(first) == "");
  REQUIRE(commands_of(first) == Lines{"ScheduleActivityTask (activity id '1', type 'say_hello')"});
  const auto& scheduled = first.commands[0].schedule_activity_task_command_attributes();
  CHECK(scheduled.task_queue().name() == "queue");
  CHECK_FALSE(scheduled.has_retry_policy());
  CHECK(scheduled.request_eager_execution());  // a wish: who sends it decides
  CHECK(scheduled.start_to_close_timeout().seconds() == 10);
  CHECK(scheduled.input().payloads(0).data() == "\"World\"");
  CHECK(first.sdk_metadata.core_used_flags_size() == 3);
  CHECK_FALSE(first.finished);

  h.task_completed();
  const auto activity = h.activity_scheduled("1", "say_hello");
  h.activity_started(activity);
  h.activity_completed(activity, "Hello, World!");
  h.task();
  auto second = run.task(h.since(4), 3);
  REQUIRE(commands_of(second) == Lines{"CompleteWorkflowExecution"});
  CHECK(second.commands[0]
            .complete_workflow_execution_command_attributes()
            .result()
            .payloads(0)
            .data() == "\"Hello, World!\"");
  CHECK(second.sdk_metadata.core_used_flags_size() == 0);
  CHECK(second.finished);
  CHECK(run->finished());
  CHECK(run->last_started_event_id() == 9);

  h.task_completed();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"start World"});
}

TEST_CASE("a cached run that is given its whole history again skips what it has seen") {
  HistoryBuilder h("Greet", "World");
  h.task();
  Run run(module, "Greet");
  (void)run.task(h.history());
  h.task_completed();
  h.activity_completed(h.activity_scheduled("1", "say_hello"), "Hello, World!");
  h.task();
  CHECK(commands_of(run.task(h.history(), 3)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"start World"});
}

TEST_CASE("A2: a timer is cancelled after a signal") {
  HistoryBuilder h("TimerUntilSignal");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.signaled("stop");
  h.task();
  Run run(module, "TimerUntilSignal");
  CHECK(commands_of(run.task(h.history(), 3)) ==
        Lines{"CancelTimer (timer id '1')", "CompleteWorkflowExecution"});
  h.task_completed();
  h.timer_canceled(timer);
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("A3: a failed task and the next are one activation, signals before the body") {
  HistoryBuilder h("Batch");
  h.task();
  h.task_failed(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  h.signaled("poke", "early");
  h.task();
  Run run(module, "Batch");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"signal early", "run"});
  h.task_completed();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("A12: continue-as-new carries what it was given and what the run has") {
  HistoryBuilder h("Again", 7);
  auto* started = h.last().mutable_workflow_execution_started_event_attributes();
  (*started->mutable_memo()->mutable_fields())["note"].set_data("kept");
  started->mutable_workflow_task_timeout()->set_seconds(11);
  started->mutable_retry_policy()->set_maximum_attempts(3);
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  Run run(module, "Again");
  auto outcome = run.task(h.history(), 3);
  REQUIRE(commands_of(outcome) == Lines{"ContinueAsNewWorkflowExecution"});
  const auto& next = outcome.commands[0].continue_as_new_workflow_execution_command_attributes();
  CHECK(next.workflow_type().name() == "Again");
  CHECK(next.input().payloads(0).data() == "8");
  CHECK(next.task_queue().name() == "other");
  CHECK(next.workflow_task_timeout().seconds() == 11);
  CHECK(next.retry_policy().maximum_attempts() == 3);
  CHECK(next.memo().fields().at("note").data() == "kept");
  CHECK(outcome.finished);
  h.task_completed();
  h.continued_as_new();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("R017 after an unhandled command the rebuilt run has one chunk for both tasks") {
  HistoryBuilder h("Batch");
  h.task();
  h.task_failed(enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND);
  h.signaled("poke", "late");
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"signal late", "run"});
}

TEST_CASE(
    "R006 an unknown event is skipped when the worker may ignore it, else it fails the task") {
  HistoryBuilder h("Batch");
  auto& unknown = h.add(static_cast<enums::EventType>(4711));
  unknown.set_worker_may_ignore(true);
  h.task();
  Run tolerant(module, "Batch");
  CHECK(failure_of(tolerant.task(h.history())) == "");
  h.at(2).set_worker_may_ignore(false);
  Run strict(module, "Batch");
  auto outcome = strict.task(h.history());
  REQUIRE(outcome.failure);
  CHECK(contains(outcome.failure->text, "this worker cannot replay event 2, type 4711"));
  CHECK(outcome.failure->cause ==
        enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  CHECK(outcome.failure->event_id == 2);
}

TEST_CASE("events that concern no code are counted and nothing else") {
  HistoryBuilder h("Batch");
  h.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED);
  h.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED);
  h.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED);
  h.task();
  Run run(module, "Batch");
  CHECK(failure_of(run.task(h.history())) == "");
}

TEST_CASE("what belongs to features this engine lacks is refused by name and event id") {
  struct Case {
    enums::EventType type;
    const char* text;
  };
  for (const auto& one :
       {Case{enums::EVENT_TYPE_MARKER_RECORDED, "event 5, MarkerRecorded (marker 'Version')"},
        Case{enums::EVENT_TYPE_NEXUS_OPERATION_SCHEDULED, "event 5, NexusOperationScheduled"}}) {
    HistoryBuilder h("Batch");
    h.whole_task();
    auto& event = h.add(one.type);
    if (one.type == enums::EVENT_TYPE_MARKER_RECORDED)
      event.mutable_marker_recorded_event_attributes()->set_marker_name("Version");
    h.task();
    CHECK_MESSAGE(contains(replayed(module, h), one.text), replayed(module, h));
  }
}

TEST_CASE("a task whose history does not reach its STARTED, or begins too late, fails") {
  HistoryBuilder h("Batch");
  h.task_scheduled();
  engine::WorkflowTaskInput input;
  input.history = h.history();
  input.started_event_id = 3;
  Run run(module, "Batch");
  CHECK(contains(failure_of(run->activate(input)), "history ended early"));
  h.task_started();
  Run gap(module, "Batch");
  CHECK(contains(failure_of(gap.task(h.since(2))), "history has a gap"));
}

TEST_CASE("R003 an unregistered workflow type fails the task and names the registered ones") {
  HistoryBuilder h("Missing");
  h.task();
  Run run(module, "Missing");
  const auto text = failure_of(run.task(h.history()));
  CHECK(contains(text, "workflow Missing (workflow id the-workflow, run id"));
  CHECK(contains(text, "registered: Again, Batch, Greet, TimerUntilSignal"));
}

}  // namespace replay_test
