// SPDX-License-Identifier: MIT
// Local activities as the engine sees them: calls go out, ends come in, markers are what history keeps. One file though it is long:
// its workflows serve several cases each.
#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "supervisor/workflow/machines/local_activity.hpp"
#include "tests/supervisor/workflow/local_test_support.hpp"

namespace local_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

std::string look_up(std::string) { implemented_elsewhere(); }
std::string charge() { implemented_elsewhere(); }
constexpr LocalActivityOptions kQuick{.start_to_close_timeout = 5s};
constexpr const char* kMarker = "RecordMarker (marker 'core_local_activity', activity id '";

std::string marker(const std::string& id, const std::string& type) {
  return kMarker + id + "', type '" + type + "')";
}

Task<> tell(workflow::Future<std::string> future, std::string name) {
  try {
    note(name + ": " + co_await future);
  } catch (const ActivityError& error) {
    const auto* cause = error.cause().get();
    note(name + ": " + (dynamic_cast<const Cancelled*>(cause) ? "cancelled" : cause->message()) +
         ", retry state " + std::to_string(static_cast<int>(error.retry_state())));
  }
}

struct One {
  Task<std::string> run() {
    const auto before = workflow::now();
    auto found = co_await workflow::execute_local_activity<look_up>(kQuick, "a");
    note("took " + std::to_string((workflow::now() - before) / 1ms) + " ms");
    co_return found;
  }
};

// In sequence and side by side, counted with other activities, a timer at the end.
struct Several {
  Task<> run() {
    co_await workflow::execute_local_activity<look_up>(kQuick, "first");
    auto remote = workflow::execute_activity<charge>({.start_to_close_timeout = 5s});
    auto left =
        workflow::spawn(tell(workflow::execute_local_activity<look_up>(kQuick, "left"), "left"));
    auto right =
        workflow::spawn(tell(workflow::execute_local_activity<look_up>(kQuick, "right"), "right"));
    co_await left;
    co_await right;
    co_await workflow::sleep(1s);
  }
};

template <OnCancel How>
struct Cancels {
  Task<> run() {
    auto activity = workflow::execute_local_activity<look_up>(
        {.start_to_close_timeout = 5s, .on_cancel = How}, "slow");
    auto telling = workflow::spawn(tell(activity, "slow"));
    if (at_once) activity.cancel();
    co_await workflow::wait_condition([this] { return stop_; });
    activity.cancel();
    activity.cancel();
    co_await telling;
    co_await workflow::sleep(1s);
  }
  void stop() { stop_ = true; }
  bool stop_ = false;
  static inline bool at_once = false;
};

struct Retried {
  Task<std::string> run() {
    co_return co_await workflow::execute_local_activity<look_up>(
        {.start_to_close_timeout = 5s, .local_retry_threshold = 1s}, "again");
  }
};

struct Fails {
  Task<> run() {
    co_await tell(workflow::execute_local_activity<look_up>(
                      {.start_to_close_timeout = 5s, .retry = {.maximum_attempts = 2}}, "no"),
                  "no");
  }
};

struct Rolls {
  Task<> run() {
    const int dice = 6;
    const int rolled = co_await workflow::side_effect([&] {
      note("rolling");
      return dice;
    });
    note("rolled " + std::to_string(rolled));
    try {
      co_await workflow::side_effect([]() -> int { throw std::runtime_error("broken"); });
    } catch (const ActivityError& error) {
      note(error.cause()->message());
    }
    co_await workflow::sleep(1s);
  }
};

// In the place of Rolls, from before it was written.
struct DidNotRoll {
  Task<> run() { co_await workflow::sleep(1s); }
};

struct Wrong {
  Task<> run() {
    for (const auto& options :
         {LocalActivityOptions{}, LocalActivityOptions{.start_to_close_timeout = 0s - 1s}}) {
      try {
        co_await workflow::execute_local_activity<look_up>(options, "x");
      } catch (const std::invalid_argument& wrong) {
        note(wrong.what());
      }
    }
  }
};

void fill(Module& m) {
  m.workflow<One>();
  m.workflow<Several>();
  m.workflow<Cancels<OnCancel::try_cancel>>({.name = "try"})
      .signal<&Cancels<OnCancel::try_cancel>::stop>({.name = "stop"});
  m.workflow<Cancels<OnCancel::wait_completed>>({.name = "wait"})
      .signal<&Cancels<OnCancel::wait_completed>::stop>({.name = "stop"});
  m.workflow<Cancels<OnCancel::abandon>>({.name = "abandon"})
      .signal<&Cancels<OnCancel::abandon>::stop>({.name = "stop"});
  m.workflow<Retried>();
  m.workflow<Fails>();
  m.workflow<Rolls>();
  m.workflow<Wrong>();
}
const TestModule module(fill);

TEST_CASE("O001: a local activity leaves one marker, moves the clock, and is not run by a replay") {
  HistoryBuilder h("One");
  h.task();
  Run run(module, "One");
  auto asked = run.task(h.history());
  CHECK(failure_of(asked) == "");
  CHECK(calls_of(asked) == Lines{"1 look_up"});
  CHECK(asked.waits);
  CHECK(asked.commands.empty());
  REQUIRE(asked.local_calls.size() == 1);
  const auto& call = asked.local_calls[0];
  CHECK(call.activity_id == "1");
  CHECK(call.start_to_close_timeout == 5s);
  CHECK(call.retry_threshold == 60s);
  CHECK(call.retry.initial_interval().seconds() == 1);
  CHECK(call.retry.maximum_interval().seconds() == 100);
  CHECK(call.arguments.payloads(0).data() == "\"a\"");

  auto done = run->resolve(returned(1, "found", 250ms));
  CHECK(failure_of(done) == "");
  CHECK_FALSE(done.waits);
  CHECK(done.finished);
  CHECK(commands_of(done) == Lines{marker("1", "look_up"), "CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"took 250 ms"});
  record(h, done);
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"took 250 ms"});
}

TEST_CASE("T-71: the marker's data are those of Temporal's core, byte for byte") {
  HistoryBuilder h("One");
  h.task();
  Run run(module, "One");
  (void)run.task(h.history());
  const auto done = run->resolve(returned(1, "found", 1'250ms));
  REQUIRE(done.commands.size() == 2);
  const auto& details = done.commands[0].record_marker_command_attributes().details();
  CHECK(details.at("data").payloads(0).metadata().at("encoding") == "json/plain");
  CHECK(details.at("data").payloads(0).data() ==
        R"({"seq":1,"attempt":1,"activity_id":"1","activity_type":"look_up",)"
        R"("complete_time":{"seconds":1700000004,"nanos":250000000},"backoff":null,)"
        R"("original_schedule_time":{"seconds":1700000000,"nanos":0}})");
  CHECK(details.at("result").payloads(0).data() == "\"found\"");
}

TEST_CASE(
    "O002, O017: several in sequence and side by side; the ends are delivered one by one, in the "
    "order of their markers") {
  for (const bool reversed : {false, true}) {
    HistoryBuilder h("Several");
    h.task();
    Run run(module, "Several");
    CHECK(calls_of(run.task(h.history())) == Lines{"1 look_up"});
    auto next = run->resolve(returned(1, "x"));
    CHECK(calls_of(next) == Lines{"3 look_up", "4 look_up"});
    CHECK(next.waits);
    auto half = run->resolve(returned(reversed ? 4 : 3, "one"));
    CHECK(half.waits);
    CHECK(half.local_calls.empty());
    auto done = run->resolve(returned(reversed ? 3 : 4, "two"));
    CHECK_FALSE(done.waits);
    CHECK(commands_of(done) ==
          Lines{marker("1", "look_up"), "ScheduleActivityTask (activity id '2', type 'charge')",
                marker(reversed ? "4" : "3", "look_up"), marker(reversed ? "3" : "4", "look_up"),
                "StartTimer (timer id '1')"});
    const auto live = trace();
    CHECK(live == (reversed ? Lines{"right: one", "left: two"} : Lines{"left: one", "right: two"}));
    record(h, done);
    h.timer_fired(h.last_id());
    h.whole_task();
    h.completed();
    CHECK(replayed(module, h) == "ok");
    CHECK(trace() == live);
  }
}

TEST_CASE(
    "O006: a renewed task brings nothing new, wakes nobody, and is one with the next when "
    "replayed") {
  HistoryBuilder h("One");
  h.task();
  Run run(module, "One");
  auto asked = run.task(h.history());
  record(h, asked);  // the renewal: a completion without commands
  h.task();
  auto renewed = run.task(h.since(4), 3);
  CHECK(failure_of(renewed) == "");
  CHECK(renewed.waits);
  CHECK(renewed.local_calls.empty());
  CHECK(renewed.commands.empty());
  record(h, renewed);
  h.task();
  (void)run.task(h.since(7), 6);
  auto done = run->resolve(returned(1, "late", 20s));
  CHECK(done.finished);
  record(h, done);
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE(
    "T-68: a run that was lost while it waited asks again, and only when its replay is over") {
  HistoryBuilder h("One");
  h.task();
  {
    Run lost(module, "One");
    record(h, lost.task(h.history()));
  }
  h.task();
  Run again(module, "One");
  auto asked = again.task(h.history(), 3);
  CHECK(failure_of(asked) == "");
  CHECK(calls_of(asked) == Lines{"1 look_up"});
  CHECK(again->resolve(returned(1, "found")).finished);
}

TEST_CASE("O009: a cancelled one ends at once, or as it likes, and leaves a marker in each case") {
  struct Case {
    const char* type;
    bool asks, waits;
  };
  for (const auto& c :
       {Case{"try", true, false}, Case{"abandon", false, false}, Case{"wait", true, true}}) {
    CAPTURE(c.type);
    HistoryBuilder h(c.type);
    h.task();
    Run run(module, c.type);
    record(h, run.task(h.history()));
    h.signaled("stop");
    h.task();
    auto stopped = run.task(h.since(4), 3);
    CHECK(failure_of(stopped) == "");
    REQUIRE(stopped.local_cancels.size() == 1);
    CHECK(stopped.local_cancels[0].seq == 1);
    CHECK(stopped.local_cancels[0].ask == c.asks);
    CHECK(stopped.local_cancels[0].wanted == c.waits);
    CHECK(stopped.waits == c.waits);
    // What nobody waits for any more changes nothing.
    auto done = run->resolve(returned(1, "anyway"));
    CHECK(commands_of(done) == Lines{marker("1", "look_up"), "StartTimer (timer id '1')"});
    const auto live = trace();
    CHECK(live == (c.waits ? Lines{"slow: anyway"} : Lines{"slow: cancelled, retry state 7"}));
    record(h, done);
    h.timer_fired(h.last_id());
    h.whole_task();
    h.completed();
    CHECK(replayed(module, h) == "ok");
    CHECK(trace() == live);
  }
}

TEST_CASE(
    "O009: what is cancelled before it was handed out is not run, and leaves a marker all the "
    "same") {
  using Waits = Cancels<OnCancel::wait_completed>;
  Waits::at_once = true;
  HistoryBuilder h("wait");
  h.signaled("stop");
  h.task();
  Run run(module, "wait");
  auto asked = run.task(h.history());
  Waits::at_once = false;
  REQUIRE(asked.local_calls.size() == 1);
  CHECK(asked.local_calls[0].cancelled);
  CHECK(asked.local_cancels.empty());
  CHECK(asked.waits);
  auto done = run->resolve(engine::cancelled_result(asked.local_calls[0]));
  CHECK(commands_of(done) == Lines{marker("1", "look_up"), "StartTimer (timer id '1')"});
  CHECK(trace() == Lines{"slow: cancelled, retry state 7"});
}

TEST_CASE("O005, T-70: an attempt that is due late becomes a timer and a call of its own") {
  HistoryBuilder h("Retried");
  h.task();
  Run run(module, "Retried");
  (void)run.task(h.history());
  auto result = failed(1, ApplicationError("not now"), 3);
  result.backoff = 8s;
  auto waiting = run->resolve(std::move(result));
  CHECK_FALSE(waiting.waits);
  CHECK(commands_of(waiting) == Lines{marker("1", "look_up"), "StartTimer (timer id '1')"});
  CHECK(waiting.commands[1].start_timer_command_attributes().start_to_fire_timeout().seconds() ==
        8);
  record(h, waiting);
  h.timer_fired(h.last_id());
  h.task();
  auto again = run.task(h.since(4), 3);
  REQUIRE(calls_of(again) == Lines{"2 look_up"});
  CHECK(again.local_calls[0].attempt == 4);
  CHECK(again.local_calls[0].activity_id == "2");
  CHECK(again.local_calls[0].scheduled == kScheduled);
  auto done = run->resolve(returned(2, "at last"));
  CHECK(commands_of(done) == Lines{marker("2", "look_up"), "CompleteWorkflowExecution"});
  record(h, done);
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("a failure that is the last one says why no other attempt followed, live and replayed") {
  HistoryBuilder h("Fails");
  h.task();
  Run run(module, "Fails");
  (void)run.task(h.history());
  auto done = run->resolve(failed(1, ApplicationError("no way"), 2));
  CHECK(done.finished);
  const auto live = trace();
  CHECK(live == Lines{"no: no way, retry state 4"});
  record(h, done);
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == live);
}

TEST_CASE("a side effect is called once, and replayed by what it returned or threw") {
  HistoryBuilder h("Rolls");
  h.task();
  Run run(module, "Rolls");
  auto done = run.task(h.history());
  CHECK(failure_of(done) == "");
  CHECK_FALSE(done.waits);
  CHECK(done.local_calls.empty());
  CHECK(commands_of(done) ==
        Lines{marker("1", "side_effect"), marker("2", "side_effect"), "StartTimer (timer id '1')"});
  CHECK(trace() == Lines{"rolling", "rolled 6", "broken"});
  record(h, done);
  h.timer_fired(h.last_id());
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"rolled 6", "broken"});
}

TEST_CASE("a side effect that history has no marker of is nondeterminism") {
  const TestModule before([](Module& m) { m.workflow<DidNotRoll>({.name = "Rolls"}); });
  HistoryBuilder h("Rolls");
  h.task();
  {
    Run run(before, "Rolls");
    record(h, run.task(h.history()));
  }
  h.timer_fired(h.last_id());
  h.task();
  Run run(module, "Rolls");
  const auto failed = run.task(h.history(), 3);
  REQUIRE(failed.failure);
  CHECK(contains(failed.failure->text, "TMPRL1100"));
}

TEST_CASE("T-69: a marker of another call, or of none, is nondeterminism that names both") {
  HistoryBuilder h("One");
  h.task();
  Run run(module, "One");
  (void)run.task(h.history());
  record(h, run->resolve(returned(1, "found")));
  const auto data = [&](HistoryBuilder& of) -> std::string& {
    return *(*of.at(5).mutable_marker_recorded_event_attributes()->mutable_details())["data"]
                .mutable_payloads(0)
                ->mutable_data();
  };
  const auto changed = [&](const std::string& from, const std::string& to) {
    auto other = h;
    auto& text = data(other);
    text.replace(text.find(from), from.size(), to);
    return replayed(module, other);
  };
  CHECK(contains(changed("look_up", "look_at"), "type 'look_at'"));
  CHECK(contains(changed("look_up", "look_at"), "event 5"));
  CHECK(contains(changed("\"activity_id\":\"1\"", "\"activity_id\":\"7\""), "activity id '7'"));
  CHECK(contains(changed("\"seq\":1", "\"seq\":2"), "issued no command for it"));
  CHECK(contains(changed("{\"seq\"", "[\"seq\""), "cannot be read"));
}

TEST_CASE("O015: without any time limit, the run's own counts; with none at all there is none") {
  HistoryBuilder free("One"), bound("Wrong");
  bound.at(1)
      .mutable_workflow_execution_started_event_attributes()
      ->mutable_workflow_run_timeout()
      ->set_seconds(90);
  bound.task();
  Run run(module, "Wrong");
  CHECK(failure_of(run.task(bound.history())) == "");
  CHECK(trace() == Lines{"local activity look_up: set start_to_close_timeout or "
                         "schedule_to_close_timeout",
                         "local activity look_up: a timeout must not be negative"});
  free.task();
  Run unlimited(module, "One");
  CHECK(unlimited.task(free.history()).local_calls.at(0).schedule_to_close_timeout == 0s);
}

}  // namespace local_test
