// SPDX-License-Identifier: MIT
// Code and history that do not pair: found at the right event, said in words a user can act on.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace nondeterminism_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int charge() { implemented_elsewhere(); }
int refund() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

// What the histories below were recorded with.
struct Order {
  Task<> run() {
    auto timer = workflow::sleep(1h);
    co_await workflow::execute_activity<charge>(kQuick);
    timer.cancel();
    co_await workflow::execute_activity<refund>(kQuick);
  }
};

void fill(Module& m) { m.workflow<Order>(); }
const TestModule module(fill);

HistoryBuilder good(const char* sdk = "temporal-supervisor") {
  HistoryBuilder h("Order");
  h.task();
  h.task_completed(sdk);                                       // 4
  h.timer_started("1");                                        // 5
  const auto charging = h.activity_scheduled("1", "charge");   // 6
  h.activity_completed(charging, 1);                           // 7
  h.task();                                                    // 8, 9
  h.task_completed(sdk);                                       // 10
  h.timer_canceled(5);                                         // 11
  const auto refunding = h.activity_scheduled("2", "refund");  // 12
  h.activity_completed(refunding, 1);                          // 13
  h.task();                                                    // 14, 15
  h.task_completed(sdk);                                       // 16
  h.completed();                                               // 17
  return h;
}

engine::ReplayResult replay(const HistoryBuilder& h) { return engine::replay(module, h.history()); }

TEST_CASE("the history as recorded replays") { CHECK(replay(good()).message == ""); }

TEST_CASE("R002, T008, V022: histories with one thing changed are refused at that event") {
  struct Case {
    const char* what;
    std::int64_t event_id;
    std::string says;
    std::function<void(HistoryBuilder&)> alter;
  };
  const Case cases[] = {
      {"another activity type", 6,
       "history says ActivityTaskScheduled (activity id '1', type 'pay'), the code issued "
       "ScheduleActivityTask (activity id '1', type 'charge')",
       [](HistoryBuilder& h) {
         h.at(6)
             .mutable_activity_task_scheduled_event_attributes()
             ->mutable_activity_type()
             ->set_name("pay");
       }},
      {"another activity id", 12,
       "history says ActivityTaskScheduled (activity id 'x', type 'refund'), the code issued "
       "ScheduleActivityTask (activity id '2', type 'refund')",
       [](HistoryBuilder& h) {
         h.at(12).mutable_activity_task_scheduled_event_attributes()->set_activity_id("x");
       }},
      {"another timer id", 5,
       "history says TimerStarted (timer id '7'), the code issued StartTimer (timer id '1')",
       [](HistoryBuilder& h) {
         h.at(5).mutable_timer_started_event_attributes()->set_timer_id("7");
       }},
      {"swapped order", 5,
       "history says ActivityTaskScheduled (activity id '1', type 'charge'), the code issued "
       "StartTimer (timer id '1')",
       [](HistoryBuilder& h) {
         h.at(5).Swap(&h.at(6));
         h.at(5).set_event_id(5);
         h.at(6).set_event_id(6);
       }},
      {"a command the code did not issue", 17,
       "history says TimerStarted (timer id '2'), the code issued CompleteWorkflowExecution",
       [](HistoryBuilder& h) {
         h.at(17).set_event_type(enums::EVENT_TYPE_TIMER_STARTED);
         h.at(17).mutable_timer_started_event_attributes()->set_timer_id("2");
       }},
      {"another timer cancelled", 11,
       "history cancels the timer that event 3 started, the code cancelled the one that event 5 "
       "started",
       [](HistoryBuilder& h) {
         h.at(11).mutable_timer_canceled_event_attributes()->set_started_event_id(3);
       }},
      {"another end", 17, "", [](HistoryBuilder& h) {
         h.at(17).set_event_type(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW);
       }}};
  for (const auto& one : cases) {
    CAPTURE(one.what);
    auto h = good();
    one.alter(h);
    const auto result = replay(h);
    CHECK_FALSE(result.ok);
    CHECK(result.event_id == one.event_id);
    CHECK_MESSAGE(contains(result.message, one.says), result.message);
    CHECK(result.message.starts_with("[TMPRL1100] Nondeterminism at event " +
                                     std::to_string(one.event_id) + " of workflow Order ("));
    CHECK(contains(result.message, "workflow id the-workflow"));
    CHECK(contains(result.message, std::string("run id ") + HistoryBuilder::kRunId));
  }
}

TEST_CASE("T-41: a command event that history lacks is missed where the next event stands") {
  HistoryBuilder h("Order");
  h.whole_task();
  h.timer_started("1");
  h.signaled("s");
  h.whole_task();
  const auto result = replay(h);
  CHECK(result.event_id == 6);
  CHECK_MESSAGE(contains(result.message,
                         "history goes on with WorkflowExecutionSignaled, the code issued "
                         "ScheduleActivityTask (activity id '1', type 'charge') at "),
                result.message);
  CHECK_MESSAGE(contains(result.message, "nondeterminism_test.cpp:26 before it"), result.message);
}

TEST_CASE("T-41: an extra command at the end of a closed history is found") {
  HistoryBuilder h("Order");
  h.whole_task();
  h.timer_started("1");
  h.activity_scheduled("1", "charge");
  h.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  CHECK(replay(h).message == "");

  HistoryBuilder extra("Order");
  extra.whole_task();
  extra.timer_started("1");
  extra.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  const auto result = replay(extra);
  CHECK(result.event_id == 6);
  CHECK(contains(result.message, "the code issued ScheduleActivityTask"));
}

TEST_CASE("T-41: a command event for which the code issued none") {
  HistoryBuilder h("Order");
  h.whole_task();
  h.timer_started("1");
  h.activity_scheduled("1", "charge");
  h.timer_started("2");
  h.task();
  const auto result = replay(h);
  CHECK(result.event_id == 7);
  CHECK(contains(result.message,
                 "history says TimerStarted (timer id '2'), the code issued no command for it"));
}

TEST_CASE("a live task fails with the cause that says whose fault it is") {
  auto h = good();
  h.at(6).mutable_activity_task_scheduled_event_attributes()->mutable_activity_type()->set_name(
      "pay");
  Run run(module, "Order");
  engine::WorkflowTaskInput input;
  for (const auto& event : h.history().events())
    if (event.event_id() <= 9) *input.history.add_events() = event;
  input.previous_started_event_id = 3;
  input.started_event_id = 9;
  auto outcome = run->activate(input);
  REQUIRE(outcome.failure);
  CHECK(outcome.failure->cause == enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
  CHECK(outcome.failure->failure.message().starts_with("[TMPRL1100]"));
  CHECK(outcome.failure->event_id == 6);
  CHECK(outcome.commands.empty());
}

TEST_CASE("T-98: timers of other SDKs are paired by order, whatever their ids") {
  auto h = good("temporal-go");
  h.at(5).mutable_timer_started_event_attributes()->set_timer_id("some-uuid");
  CHECK(replay(h).message == "");
}

TEST_CASE("ids and types of activities are compared only where core flag 1 is in the history") {
  auto h = good();
  for (std::int64_t id : {4, 10, 16})
    h.at(id)
        .mutable_workflow_task_completed_event_attributes()
        ->mutable_sdk_metadata()
        ->clear_core_used_flags();
  h.at(6).mutable_activity_task_scheduled_event_attributes()->mutable_activity_type()->set_name(
      "old");
  CHECK(replay(h).message == "");
}

TEST_CASE("an event that belongs to nothing open is the history's fault, not the code's") {
  HistoryBuilder h("Order");
  h.whole_task();
  h.timer_started("1");
  h.activity_scheduled("1", "charge");
  h.activity_completed(99, 1);
  h.task();
  const auto result = replay(h);
  CHECK(result.event_id == 7);
  CHECK(contains(result.message,
                 "event 7, ActivityTaskCompleted, belongs to event 99, which started nothing"));
  CHECK_FALSE(contains(result.message, "TMPRL1100"));
}

TEST_CASE("a history that does not begin at its beginning is refused") {
  engine::HistoryEvent event;
  api::history::v1::History history;
  CHECK(engine::replay(module, history).message ==
        "the history does not begin with WorkflowExecutionStarted");
}

}  // namespace nondeterminism_test
