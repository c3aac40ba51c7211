// SPDX-License-Identifier: MIT
// Scopes of cancellation, races, and what coroutines of a run share.
#include <doctest/doctest.h>

#include <string>

#include "temporal/sync.hpp"
#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace scope_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;
using workflow::CancelScope;

int work() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

struct Shields {
  Task<> run() {
    try {
      co_await workflow::sleep(1h);
    } catch (const Cancelled&) {
      note("cancelled");
    }
    co_await workflow::wait_condition([] { return workflow::all_handlers_finished(); });
  }
  Task<> pay() {
    const int paid = co_await workflow::shield(charge());
    note("paid " + std::to_string(paid));
  }
  static Task<int> charge() { co_return co_await workflow::execute_activity<work>(kQuick); }
};

struct InScope {
  Task<> run() {
    auto outside = workflow::sleep(2h);
    auto scope = std::make_shared<temporal::detail::Scope>();
    {
      CancelScope inner;
      auto first = workflow::sleep(1h);
      auto spawned = workflow::spawn(nap());
      {
        CancelScope shielded(CancelScope::shielded);
        kept_.push_back(workflow::sleep(3h));
      }
      co_await workflow::sleep(1s);  // the nap has begun
      inner.cancel();
      for (auto* future : {&first, &spawned}) try {
          co_await *future;
        } catch (const Cancelled& cancelled) {
          note("cancelled");
        }
      note(inner.cancelled() ? "the scope is" : "it is not");
      note(kept_.front().ready() ? "shielded no" : "shielded yes");
    }
    co_await outside;
  }
  static Task<> nap() { co_await workflow::sleep(4h); }
  std::vector<workflow::Future<>> kept_;
};

struct InTime {
  Task<> run(int seconds) {
    try {
      co_await workflow::with_timeout(std::chrono::seconds(seconds), patient());
      note("done in time");
    } catch (const TimeoutError& late) {
      note(late.message());
    }
  }
  static Task<> patient() { co_await workflow::execute_activity<work>(kQuick); }
};

struct Races {
  Task<> run() {
    auto activity = workflow::execute_activity<work>(kQuick);
    auto timer = workflow::sleep(1h);
    const auto first = co_await workflow::race(activity, timer);
    note(first.index() == 0 ? "activity " + std::to_string(std::get<0>(first)) : "timer");
    std::vector<workflow::Future<>> timers{workflow::sleep(2h), workflow::sleep(3h)};
    const auto second = co_await workflow::any(timers);
    note("timer " + std::to_string(second.index));
  }
};

struct Guarded {
  Task<> run() {
    co_await workflow::wait_condition([&] { return done_ == 3; });
  }
  Task<> handle(int n) {
    const auto lock = co_await mutex_.lock();
    note("begin " + std::to_string(n));
    co_await workflow::sleep(1h);
    note("end " + std::to_string(n));
    ++done_;
  }
  Task<> try_it() {
    const auto lock = co_await mutex_.lock(1s);
    note(lock ? "got it" : "not in time");
  }
  workflow::Mutex mutex_;
  int done_ = 0;
};

struct Mailbox {
  Task<> run() {
    for (int i = 0; i < 3; ++i) {
      const auto letter = co_await letters_.pop();
      note("read " + letter);
    }
  }
  Task<> post(std::string text) {
    co_await letters_.push(text);
    note("posted " + text);
  }
  workflow::Queue<std::string> letters_{1};
};

struct NoTime {
  Task<> run() {
    note("a");
    auto other = workflow::spawn(other_one());
    co_await workflow::sleep(0s);
    note("c");
    co_await workflow::sleep(-5s);
    note("d");
    co_await other;
  }
  static Task<> other_one() {
    note("b");
    co_return;
  }
};

void fill(Module& m) {
  m.workflow<Shields>().signal<&Shields::pay>();
  m.workflow<InScope>();
  m.workflow<InTime>();
  m.workflow<Races>();
  m.workflow<Guarded>().signal<&Guarded::handle>().signal<&Guarded::try_it>();
  m.workflow<Mailbox>().signal<&Mailbox::post>();
  m.workflow<NoTime>();
}
const TestModule module(fill);

TEST_CASE("L012 what is shielded completes though its workflow is cancelled") {
  HistoryBuilder h("Shields");
  h.signaled("pay");
  h.whole_task();
  const auto activity = h.activity_scheduled("1", "work");
  const auto timer = h.timer_started("1");
  h.cancel_requested();
  h.whole_task();
  h.timer_canceled(timer);
  h.activity_completed(activity, 42);
  h.task();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"cancelled", "paid 42"});
}

TEST_CASE("a scope cancels what is pending in it: not what is outside, nor behind a shield") {
  HistoryBuilder h("InScope");
  h.task();
  Run run(module, "InScope");
  CHECK(commands_of(run.task(h.history())) ==
        Lines{"StartTimer (timer id '1')", "StartTimer (timer id '2')", "StartTimer (timer id '3')",
              "StartTimer (timer id '4')", "StartTimer (timer id '5')"});
  h.task_completed();
  std::int64_t soon = 0;
  for (const char* id : {"1", "2", "3"}) h.timer_started(id);
  soon = h.timer_started("4");
  h.timer_started("5");
  h.timer_fired(soon);
  h.task();
  const auto outcome = run.task(h.since(4), 3);
  CHECK(failure_of(outcome).empty());
  CHECK(commands_of(outcome) == Lines{"CancelTimer (timer id '2')", "CancelTimer (timer id '5')"});
  CHECK(trace() == Lines{"cancelled", "cancelled", "the scope is", "shielded yes"});
}

TEST_CASE("L011 a time limit is one timer, and cancels what is inside") {
  HistoryBuilder h("InTime", 5);
  h.task();
  Run run(module, "InTime");
  const auto first = run.task(h.history());
  CHECK(commands_of(first) ==
        Lines{"StartTimer (timer id '1')", "ScheduleActivityTask (activity id '1', type 'work')"});
  CHECK(first.commands[0].start_timer_command_attributes().start_to_fire_timeout().seconds() == 5);
  h.task_completed();
  const auto timer = h.timer_started("1");
  h.activity_scheduled("1", "work");
  HistoryBuilder in_time = h;
  h.timer_fired(timer);
  h.task();
  CHECK(commands_of(run.task(h.since(4), 3)) ==
        Lines{"RequestCancelActivityTask (of the activity scheduled by event 6)",
              "CompleteWorkflowExecution"});
  REQUIRE(trace().size() == 1);
  CHECK(contains(trace()[0], "the work was not done within 5"));

  in_time.activity_completed(6, 1);
  in_time.task();
  Run other(module, "InTime");
  CHECK(commands_of(other.task(in_time.history(), 3)) ==
        Lines{"CancelTimer (timer id '1')", "CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"done in time"});
}

TEST_CASE("L010 the first of several is the one that history has first") {
  HistoryBuilder h("Races");
  h.whole_task();
  const auto activity = h.activity_scheduled("1", "work");
  const auto timer = h.timer_started("1");
  HistoryBuilder other = h;
  h.activity_completed(activity, 7);
  h.timer_fired(timer);
  h.whole_task();
  const auto two = h.timer_started("2"), three = h.timer_started("3");
  h.timer_fired(three);
  h.timer_fired(two);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"activity 7", "timer 1"});

  other.timer_fired(timer);
  other.activity_completed(activity, 7);
  other.task();
  CHECK(replayed(module, other) == "ok");
  CHECK(trace() == Lines{"timer"});
}

TEST_CASE("L008 handlers hold a mutex one after the other, first come first served") {
  HistoryBuilder h("Guarded");
  for (int i = 1; i <= 3; ++i) h.signaled("handle", i);
  h.task();
  Run run(module, "Guarded");
  CHECK(commands_of(run.task(h.history())) == Lines{"StartTimer (timer id '1')"});
  std::int64_t previous = 0;
  for (int i = 1; i <= 3; ++i) {
    const auto started = h.last_id();
    h.task_completed();
    const auto timer = h.timer_started(std::to_string(i));
    h.timer_fired(timer);
    h.task();
    const auto outcome = run.task(h.since(started + 1), started);
    CHECK(failure_of(outcome).empty());
    previous = started;
  }
  CHECK(previous > 0);
  CHECK(trace() == Lines{"begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"});
}

TEST_CASE("L009 who waits for a mutex may give up, and leaves the line") {
  HistoryBuilder h("Guarded");
  h.signaled("handle", 1);
  h.signaled("try_it");
  h.signaled("handle", 2);
  h.whole_task();
  const auto hold = h.timer_started("1"), patience = h.timer_started("2");
  h.timer_fired(patience);
  h.whole_task();
  h.timer_fired(hold);
  h.task();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"begin 1", "not in time", "end 1", "begin 2"});
}

TEST_CASE("a queue holds back who posts when it is full, and keeps the order") {
  HistoryBuilder h("Mailbox");
  for (const char* text : {"a", "b", "c"}) h.signaled("post", text);
  h.task();
  Run run(module, "Mailbox");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"posted a", "read a", "posted b", "read b", "posted c", "read c"});
}

TEST_CASE("L027 a sleep of no time is no timer: others go first, then it is over") {
  HistoryBuilder h("NoTime");
  h.task();
  Run run(module, "NoTime");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"a", "b", "c", "d"});
}

}  // namespace scope_test
