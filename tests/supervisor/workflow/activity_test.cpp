// SPDX-License-Identifier: MIT
// Activities and timers: every way to end, every way to cancel.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace activity_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

std::string work() { implemented_elsewhere(); }

// Says how the future ended.
std::string outcome_of(const ActivityError& error) {
  const auto* cause = error.cause().get();
  std::string text = error.activity_type() + "/" + error.activity_id() + " ";
  if (dynamic_cast<const Cancelled*>(cause)) return text + "cancelled";
  if (dynamic_cast<const TimeoutError*>(cause)) return text + "timed out";
  if (auto* application = dynamic_cast<const ApplicationError*>(cause))
    return text + application->type() + ": " + application->message();
  return text + "?";
}

Task<> watch(workflow::Future<std::string> future) {
  try {
    note("result " + co_await future);
  } catch (const ActivityError& error) {
    note(outcome_of(error));
  }
}

// Cancels its activity on a signal, twice to be sure, and ends on another.
template <OnCancel How>
struct CancelOnSignal {
  Task<> run() {
    auto activity =
        workflow::execute_activity<work>({.start_to_close_timeout = 10s, .on_cancel = How});
    auto watching = workflow::spawn(watch(activity));
    co_await workflow::wait_condition([&] { return stop_; });
    activity.cancel();
    activity.cancel();
    co_await workflow::wait_condition([&] { return end_; });
    co_await watching;
  }
  void stop() { stop_ = true; }
  void end() { end_ = true; }
  bool stop_ = false;
  bool end_ = false;
};

struct CancelAtOnce {
  Task<> run() {
    auto activity = workflow::execute_activity<work>({.start_to_close_timeout = 10s});
    auto timer = workflow::sleep(1h);
    activity.cancel();
    timer.cancel();
    co_await watch(activity);
    try {
      co_await timer;
    } catch (const Cancelled& cancelled) {
      note(cancelled.message());
    }
  }
};

// T-35: the handler cancels a timer whose firing came in the same task.
struct CancelFired {
  Task<> run() {
    timer_.emplace(workflow::sleep(1s));
    co_await *timer_;
    note("fired");
    co_await workflow::sleep(1s);
  }
  void stop() {
    note("cancelling");
    timer_->cancel();
  }
  std::optional<workflow::Future<>> timer_;
};

struct Order {
  Task<> run() {
    auto timer = workflow::sleep(1h);
    co_await workflow::wait_condition([&] { return go_; });
    auto activity = workflow::execute_activity<work>({.start_to_close_timeout = 10s});
    timer.cancel();
    co_await activity;
  }
  void go() { go_ = true; }
  bool go_ = false;
};

void fill(Module& m) {
  using Try = CancelOnSignal<OnCancel::try_cancel>;
  using Wait = CancelOnSignal<OnCancel::wait_completed>;
  using Abandon = CancelOnSignal<OnCancel::abandon>;
  m.workflow<Try>({.name = "try"})
      .signal<&Try::stop>({.name = "stop"})
      .signal<&Try::end>({.name = "end"});
  m.workflow<Wait>({.name = "wait"})
      .signal<&Wait::stop>({.name = "stop"})
      .signal<&Wait::end>({.name = "end"});
  m.workflow<Abandon>({.name = "abandon"})
      .signal<&Abandon::stop>({.name = "stop"})
      .signal<&Abandon::end>({.name = "end"});
  m.workflow<CancelAtOnce>();
  m.workflow<CancelFired>().signal<&CancelFired::stop>();
  m.workflow<Order>().signal<&Order::go>();
}
const TestModule module(fill);

const std::string kCancelRequest =
    "RequestCancelActivityTask (of the activity scheduled by event 5)";

TEST_CASE(
    "V010 A5: a started activity is asked to stop, its code goes on at once, what comes later is "
    "nobody's") {
  HistoryBuilder h("try");
  h.whole_task();                                           // 2-4
  const auto activity = h.activity_scheduled("1", "work");  // 5
  h.signaled("stop");                                       // 6
  h.task();                                                 // 7-8
  Run run(module, "try");
  CHECK(commands_of(run.task(h.history(), 3)) == Lines{kCancelRequest});
  CHECK(trace() == Lines{"work/1 cancelled"});
  h.task_completed();
  h.activity_cancel_requested(activity);
  h.activity_started(activity);
  h.activity_canceled(activity, 11);
  h.task();
  auto outcome = run.task(h.since(9), 8);
  CHECK(failure_of(outcome) == "");
  CHECK(outcome.commands.empty());
  h.task_completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"work/1 cancelled"});
}

TEST_CASE(
    "V011 A6: a never started activity that waits for its end gets the server's own Canceled") {
  HistoryBuilder h("wait");
  h.whole_task();
  const auto activity = h.activity_scheduled("1", "work");
  h.signaled("stop");
  h.task();
  Run run(module, "wait");
  CHECK(commands_of(run.task(h.history(), 3)) == Lines{kCancelRequest});
  CHECK(trace().empty());
  h.task_completed();
  h.activity_cancel_requested(activity);
  h.activity_canceled(activity);
  h.signaled("end");
  h.task();
  CHECK(commands_of(run.task(h.since(9), 8)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"work/1 cancelled"});
}

TEST_CASE(
    "V012, V014, V015: whatever an activity does after its cancellation, by every way to cancel") {
  struct How {
    const char* type;
    bool asks;
  };
  struct What {
    const char* name;
    void (*happens)(HistoryBuilder&, std::int64_t);
    const char* seen_when_waiting;
  };
  for (const auto& how : {How{"try", true}, How{"wait", true}, How{"abandon", false}}) {
    for (const auto& what :
         {What{"completed",
               [](HistoryBuilder&h, std::int64_t id) { h.activity_completed(id, "r"); },
               "result r"},
          What{"failed",
               [](HistoryBuilder&h, std::int64_t id) {
                 h.activity_failed(id, ApplicationError("no", {.type = "Bad"}));
               },
               "work/1 Bad: no"},
          What{"timed out",
               [](HistoryBuilder&h, std::int64_t id) {
                 h.activity_timed_out(id, TimeoutKind::start_to_close);
               },
               "work/1 timed out"},
          What{"canceled", [](HistoryBuilder&h, std::int64_t id) { h.activity_canceled(id); },
               "work/1 cancelled"}}) {
      for (const bool started : {false, true}) {
        CAPTURE(how.type);
        CAPTURE(what.name);
        CAPTURE(started);
        HistoryBuilder h(how.type);
        h.whole_task();
        const auto activity = h.activity_scheduled("1", "work");
        h.signaled("stop");
        h.whole_task();
        if (how.asks) h.activity_cancel_requested(activity);
        if (started) h.activity_started(activity);
        what.happens(h, activity);
        h.signaled("end");
        h.whole_task();
        h.completed();
        CHECK(replayed(module, h) == "ok");
        const bool waits = std::string(how.type) == "wait";
        CHECK(trace() == Lines{waits ? what.seen_when_waiting : "work/1 cancelled"});
      }
    }
  }
}

TEST_CASE("T003, V013: what is cancelled before it was sent is never sent") {
  HistoryBuilder h("CancelAtOnce");
  h.task();
  Run run(module, "CancelAtOnce");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"work/1 cancelled", "the timer was cancelled"});
  h.task_completed();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("T004, T006: a timer that fired in this task is not cancelled any more") {
  HistoryBuilder h("CancelFired");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.signaled("stop");
  h.task();
  Run run(module, "CancelFired");
  CHECK(commands_of(run.task(h.history(), 3)) == Lines{"StartTimer (timer id '2')"});
  CHECK(trace() == Lines{"cancelling", "fired"});
}

TEST_CASE("T009: an activity scheduled before a timer is cancelled comes first") {
  HistoryBuilder h("Order");
  h.whole_task();
  h.timer_started("1");
  h.signaled("go");
  h.task();
  Run run(module, "Order");
  CHECK(commands_of(run.task(h.history(), 3)) ==
        Lines{"ScheduleActivityTask (activity id '1', type 'work')", "CancelTimer (timer id '1')"});
}

}  // namespace activity_test
