// SPDX-License-Identifier: MIT
// What user code writes against what is sent, and the machines on their own.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/machines/activity.hpp"
#include "supervisor/workflow/machines/timer.hpp"
#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace command_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

std::string work() { implemented_elsewhere(); }

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
         .priority = {.key = 2, .fairness_key = "red", .fairness_weight = 3},
         .summary = "what it does"},
        1, true);
  }
};

struct Timers {
  Task<> run() {
    auto tiny = workflow::sleep(1us, {.summary = "tea"});
    auto years = workflow::sleep(std::chrono::hours(24 * 365 * 100));
    co_await years;
  }
};

struct WrongType {
  Task<> run() { co_await workflow::execute_activity<int>("text", {.start_to_close_timeout = 1s}); }
};

struct Unspeakable {
  Task<> run() {
    co_await workflow::execute_activity<int>("speak", {.start_to_close_timeout = 1s},
                                             std::string("\xff"));
  }
};

void fill(Module& m) {
  m.workflow<Unspeakable>();
  m.workflow<Invalid<0>>({.name = "0"});
  m.workflow<Invalid<1>>({.name = "1"});
  m.workflow<Invalid<2>>({.name = "2"});
  m.workflow<Invalid<3>>({.name = "3"});
  m.workflow<Everything>();
  m.workflow<Timers>();
  m.workflow<WrongType>();
}
const TestModule module(fill);

TEST_CASE("V003 what the server would refuse throws where it was written") {
  const std::pair<const char*, const char*> cases[] = {
      {"0", "activity work: set start_to_close_timeout or schedule_to_close_timeout"},
      {"1", "activity work: a timeout must not be negative"},
      {"2", "activity work: backoff_coefficient must be at least 1"},
      {"3", "activity work: maximum_interval must not be shorter than initial_interval"}};
  for (const auto& [type, text] : cases) {
    HistoryBuilder h(type);
    h.task();
    Run run(module, type);
    CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
    CHECK(trace() == Lines{text});
  }
}

TEST_CASE("V023 an argument that cannot be encoded fails the task, and says why") {
  HistoryBuilder h("Unspeakable");
  h.task();
  Run run(module, "Unspeakable");
  const auto failure = failure_of(run.task(h.history()));
  CHECK_MESSAGE(contains(failure, "UTF-8"), failure);
}

TEST_CASE("V003 every option of an activity reaches its command") {
  HistoryBuilder h("Everything");
  h.task();
  Run run(module, "Everything");
  auto outcome = run.task(h.history());
  REQUIRE(commands_of(outcome) == Lines{"ScheduleActivityTask (activity id 'mine', type 'other')"});
  const auto& command = outcome.commands[0];
  const auto& activity = command.schedule_activity_task_command_attributes();
  CHECK(activity.start_to_close_timeout().seconds() == 1);
  CHECK(activity.schedule_to_close_timeout().seconds() == 2);
  CHECK(activity.priority().priority_key() == 2);
  CHECK(activity.priority().fairness_key() == "red");
  CHECK(activity.priority().fairness_weight() == 3);
  CHECK_FALSE(activity.request_eager_execution());
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
  REQUIRE(commands_of(outcome) == Lines{"StartTimer (timer id '1')", "StartTimer (timer id '2')"});
  const auto timeout = [&](int i) {
    return outcome.commands[i].start_timer_command_attributes().start_to_fire_timeout();
  };
  CHECK(timeout(0).nanos() == 1'000'000);
  CHECK(timeout(1).seconds() == 100LL * 365 * 24 * 3600);
  CHECK(outcome.commands[0].user_metadata().summary().data() == "\"tea\"");
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
    const auto becomes = engine::event_of(command.command_type());
    return issue(std::move(machine), std::move(command), becomes);
  }
  std::weak_ptr<engine::PendingCommand> issue(std::shared_ptr<engine::Machine> machine,
                                              engine::Command command,
                                              engine::EventType becomes) override {
    pending.push_back(std::make_shared<engine::PendingCommand>(
        engine::PendingCommand{std::move(machine), std::move(command), becomes, false}));
    return pending.back();
  }
  void send(api::protocol::v1::Message) override {}
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

}  // namespace command_test
