// SPDX-License-Identifier: MIT
// Activities and timers: every way to end, every way to cancel.
#include "supervisor/workflow/machines/activity.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/machines/timer.hpp"
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

template <int Case>
struct Invalid {
  Task<> run() {
    try {
      if constexpr (Case == 0) co_await workflow::execute_activity<work>({});
      if constexpr (Case == 1)
        co_await workflow::execute_activity<work>({.start_to_close_timeout = -1s});
      if constexpr (Case == 2)
        co_await workflow::execute_activity<work>(
            {.start_to_close_timeout = 1s, .retry = {.backoff_coefficient = 0.5}});
      if constexpr (Case == 3)
        co_await workflow::execute_activity<work>(
            {.start_to_close_timeout = 1s,
             .retry = {.initial_interval = 2s, .maximum_interval = 1s}});
      if constexpr (Case == 4) co_await workflow::sleep(-1s);
    } catch (const std::invalid_argument& error) {
      note(error.what());
    }
  }
};

struct Everything {
  Task<> run() {
    co_await workflow::execute_activity<int>(
        "other",
        {.start_to_close_timeout = 1s,
         .schedule_to_close_timeout = 2s,
         .schedule_to_start_timeout = 3s,
         .heartbeat_timeout = 4s,
         .retry = {.maximum_attempts = 5, .non_retryable = error_types("A", "B")},
         .task_queue = "elsewhere",
         .id = "mine",
         .summary = "what it does"},
        1, true);
  }
};

struct Timers {
  Task<> run() {
    auto zero = workflow::sleep(0s);
    auto tiny = workflow::sleep(1us, {.summary = "tea"});
    auto years = workflow::sleep(std::chrono::hours(24 * 365 * 100));
    co_await years;
  }
};

struct WrongType {
  Task<> run() { co_await workflow::execute_activity<int>("text", {.start_to_close_timeout = 1s}); }
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
  m.workflow<Invalid<0>>({.name = "0"});
  m.workflow<Invalid<1>>({.name = "1"});
  m.workflow<Invalid<2>>({.name = "2"});
  m.workflow<Invalid<3>>({.name = "3"});
  m.workflow<Invalid<4>>({.name = "4"});
  m.workflow<Everything>();
  m.workflow<Timers>();
  m.workflow<WrongType>();
}
const TestModule module(fill);

const std::string kCancelRequest =
    "RequestCancelActivityTask (of the activity scheduled by event 5)";

TEST_CASE(
    "A5: a started activity is asked to stop, its code goes on at once, what comes later is "
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

TEST_CASE("A6: a never started activity that waits for its end gets the server's own Canceled") {
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

TEST_CASE("T-29: whatever an activity does after its cancellation, by every way to cancel") {
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

TEST_CASE("T-33: what is cancelled before it was sent is never sent") {
  HistoryBuilder h("CancelAtOnce");
  h.task();
  Run run(module, "CancelAtOnce");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"work/1 cancelled", "the timer was cancelled"});
  h.task_completed();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("T-35: a timer that fired in this task is not cancelled any more") {
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

TEST_CASE("what the server would refuse throws where it was written") {
  const std::pair<const char*, const char*> cases[] = {
      {"0", "activity work: set start_to_close_timeout or schedule_to_close_timeout"},
      {"1", "activity work: a timeout must not be negative"},
      {"2", "activity work: backoff_coefficient must be at least 1"},
      {"3", "activity work: maximum_interval must not be shorter than initial_interval"},
      {"4", "a timer's duration must not be negative"}};
  for (const auto& [type, text] : cases) {
    HistoryBuilder h(type);
    h.task();
    Run run(module, type);
    CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
    CHECK(trace() == Lines{text});
  }
}

TEST_CASE("every option of an activity reaches its command") {
  HistoryBuilder h("Everything");
  h.task();
  Run run(module, "Everything");
  auto outcome = run.task(h.history());
  REQUIRE(commands_of(outcome) == Lines{"ScheduleActivityTask (activity id 'mine', type 'other')"});
  const auto& command = outcome.commands[0];
  const auto& activity = command.schedule_activity_task_command_attributes();
  CHECK(activity.start_to_close_timeout().seconds() == 1);
  CHECK(activity.schedule_to_close_timeout().seconds() == 2);
  CHECK(activity.schedule_to_start_timeout().seconds() == 3);
  CHECK(activity.heartbeat_timeout().seconds() == 4);
  CHECK(activity.retry_policy().maximum_attempts() == 5);
  CHECK_FALSE(activity.retry_policy().has_initial_interval());
  CHECK(activity.retry_policy().non_retryable_error_types_size() == 2);
  CHECK(activity.task_queue().name() == "elsewhere");
  CHECK(activity.input().payloads_size() == 2);
  CHECK(command.user_metadata().summary().data() == "\"what it does\"");
}

TEST_CASE("T010, T-98: timers count from 1, round up to a millisecond, and may last a century") {
  HistoryBuilder h("Timers");
  h.task();
  Run run(module, "Timers");
  auto outcome = run.task(h.history());
  REQUIRE(commands_of(outcome) == Lines{"StartTimer (timer id '1')", "StartTimer (timer id '2')",
                                        "StartTimer (timer id '3')"});
  const auto timeout = [&](int i) {
    return outcome.commands[i].start_timer_command_attributes().start_to_fire_timeout();
  };
  CHECK(timeout(0).seconds() + timeout(0).nanos() == 0);
  CHECK(timeout(1).nanos() == 1'000'000);
  CHECK(timeout(2).seconds() == 100LL * 365 * 24 * 3600);
  CHECK(outcome.commands[1].user_metadata().summary().data() == "\"tea\"");
}

TEST_CASE("a result that does not decode as the awaited type fails the task and says so") {
  HistoryBuilder h("WrongType");
  h.whole_task();
  const auto activity = h.activity_scheduled("1", "text");
  h.activity_completed(activity, "seven");
  h.task();
  Run run(module, "WrongType");
  auto outcome = run.task(h.history(), 3);
  CHECK_MESSAGE(contains(failure_of(outcome), "does not decode as int"), failure_of(outcome));
  CHECK(outcome.failure->cause ==
        enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
}

// A host that only remembers.
struct Host final : engine::MachineHost {
  std::weak_ptr<engine::PendingCommand> issue(std::shared_ptr<engine::Machine> machine,
                                              engine::Command command) override {
    pending.push_back(std::make_shared<engine::PendingCommand>(
        engine::PendingCommand{std::move(machine), std::move(command), false}));
    return pending.back();
  }
  void resolve(std::function<void()> resolution) override { resolution(); }
  bool uses(engine::CoreFlag) const override { return true; }
  bool foreign() const override { return false; }
  std::vector<std::shared_ptr<engine::PendingCommand>> pending;
};

engine::HistoryEvent event(std::int64_t id, enums::EventType type) {
  engine::HistoryEvent event;
  event.set_event_id(id);
  event.set_event_type(type);
  return event;
}

TEST_CASE("T-95: event ids beyond 32 bits stay what they are") {
  constexpr std::int64_t kFar = (std::int64_t{1} << 33) + 5;
  temporal::detail::Trampoline trampoline;
  Host host;
  auto future = std::make_shared<workflow::detail::PayloadState>(trampoline);
  engine::Command schedule;
  schedule.mutable_schedule_activity_task_command_attributes()->set_activity_id("1");
  engine::Activity::schedule(host, schedule, OnCancel::wait_completed, future);
  auto scheduled = event(kFar, enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
  scheduled.mutable_activity_task_scheduled_event_attributes()->set_activity_id("1");
  host.pending[0]->machine->on_event(scheduled);
  future->cancel();
  REQUIRE(host.pending.size() == 2);
  CHECK(host.pending[1]
            ->command.request_cancel_activity_task_command_attributes()
            .scheduled_event_id() == kFar);
}

TEST_CASE("an event that a machine's table does not have is an error, never a default") {
  temporal::detail::Trampoline trampoline;
  Host host;
  auto future = std::make_shared<workflow::detail::FutureState>(trampoline);
  engine::Timer::start(host, 1, 1s, {}, future);
  CHECK_THROWS_WITH_AS(
      host.pending[0]->machine->on_event(event(7, enums::EVENT_TYPE_TIMER_FIRED)),
      "a timer cannot take TimerFired in state created: the history makes no sense",
      engine::EngineError);
}

}  // namespace activity_test
