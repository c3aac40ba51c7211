// SPDX-License-Identifier: MIT
// In which order one activation does things, and what happens around the end of run().
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace order_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int work() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

class Listens {
 public:
  Task<int> run() {
    note("begin");
    const int got = co_await workflow::execute_activity<work>(kQuick);
    note("got " + std::to_string(got));
    co_return heard_;
  }
  void hear(std::string what) {
    note("heard " + what);
    ++heard_;
  }
  int update(int n) {
    note("update " + std::to_string(n));
    return n;
  }

 private:
  int heard_ = 0;
};

// run() is over before its handlers are.
struct Leaves {
  Task<> run() {
    note("left");
    co_return;
  }
  Task<> linger() {
    co_await workflow::sleep(0s);
    (void)workflow::sleep(1h);
    note("lingered");
  }
  Task<int> answer_late() {
    co_await workflow::sleep(0s);
    co_return 42;
  }
};

struct Interleaves {
  Task<> run() {
    co_await workflow::wait_condition([&] { return done_ == 2; });
  }
  Task<> handle(std::string name) {
    for (int i = 0; i < 2; ++i) {
      co_await workflow::execute_activity<work>(kQuick);
      note(name + std::to_string(i));
    }
    ++done_;
  }
  int done_ = 0;
};

struct KeepsResult {
  Task<> run() {
    note("got " + std::to_string(co_await workflow::execute_activity<work>(kQuick)));
    try {
      co_await workflow::sleep(1h);
    } catch (const Cancelled&) {
      note("cancelled");
    }
  }
};

// What it waits for ends in the same task in which it is cancelled.
struct CancelsBeside {
  Task<> run() {
    auto activity = workflow::execute_activity<work>(kQuick);
    auto timer = workflow::sleep(1h);
    auto other = workflow::sleep(2h);
    const int got = co_await activity;
    timer.cancel();
    other.cancel();
    activity.cancel();
    note("got " + std::to_string(got));
    for (auto* one : {&timer, &other}) try {
        co_await *one;
        note("fired");
      } catch (const Cancelled&) {
        note("cancelled");
      }
  }
};

struct FromAThread {
  Task<> run() {
    std::string said;
    std::thread([&said] {
      try {
        (void)workflow::now();
      } catch (const std::logic_error& error) {
        said = error.what();
      }
    }).join();
    note(said);
    co_return;
  }
};

bool asked = false;
struct Asked {
  Task<> run() {
    co_await workflow::wait_condition([] { return asked; });
    note("woken");
  }
  int ask() const {
    asked = true;
    return 1;
  }
  void poke() {}
};

void fill(Module& m) {
  m.workflow<Listens>().signal<&Listens::hear>().update<&Listens::update>();
  m.workflow<Leaves>().signal<&Leaves::linger>().update<&Leaves::answer_late>();
  m.workflow<Interleaves>().signal<&Interleaves::handle>();
  m.workflow<KeepsResult>();
  m.workflow<CancelsBeside>();
  m.workflow<FromAThread>();
  m.workflow<Asked>().query<&Asked::ask>().signal<&Asked::poke>();
}
const TestModule module(fill);

TEST_CASE("L001, G012: signals and updates come before results, whatever the order of history") {
  HistoryBuilder h("Listens");
  h.task();
  Run run(module, "Listens");
  (void)run.task(h.history());
  h.task_completed();
  const auto scheduled = h.activity_scheduled("1", "work");
  h.signaled("hear", "a");
  h.activity_completed(scheduled, 7);
  h.signaled("hear", "b");
  h.task();
  auto outcome = run.task(h.since(4), {update("u1", "update", 1)}, 3);
  CHECK(failure_of(outcome) == "");
  CHECK(trace() == Lines{"begin", "heard a", "heard b", "update 1", "got 7"});
}

TEST_CASE("L002 signals that came with the start are handled before run(), in their order") {
  HistoryBuilder h("Listens");
  h.signaled("hear", "a");
  h.signaled("hear", "b");
  h.task();
  Run run(module, "Listens");
  (void)run.task(h.history());
  CHECK(trace() == Lines{"heard a", "heard b", "begin"});
}

TEST_CASE("G014 a signal of the task that completes the run is seen by it") {
  HistoryBuilder h("Listens");
  h.whole_task();
  const auto scheduled = h.activity_scheduled("1", "work");
  h.activity_completed(scheduled, 7);
  h.signaled("hear", "just in time");
  h.task();
  Run run(module, "Listens");
  auto outcome = run.task(h.history(), 3);
  REQUIRE(commands_of(outcome) == Lines{"CompleteWorkflowExecution"});
  CHECK(outcome.commands[0]
            .complete_workflow_execution_command_attributes()
            .result()
            .payloads(0)
            .data() == "1");
}

TEST_CASE("L013 a timer that a handler starts after the end of run() does no harm") {
  HistoryBuilder h("Leaves");
  h.signaled("linger");
  h.task();
  Run run(module, "Leaves");
  CHECK(commands_of(run.task(h.history())) ==
        Lines{"StartTimer (timer id '1')", "CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"left", "lingered"});
}

TEST_CASE("L014 an update that ends after run() in the same task is answered") {
  HistoryBuilder h("Leaves");
  h.task();
  Run run(module, "Leaves");
  auto outcome = run.task(h.history(), {update("u1", "answer_late")});
  CHECK(messages_of(outcome) == Lines{"u1 accepted", "u1 completed 42"});
  CHECK(commands_of(outcome).back() == "CompleteWorkflowExecution");
}

TEST_CASE("G007 handlers that wait take turns as their results came") {
  HistoryBuilder h("Interleaves");
  h.signaled("handle", "a");
  h.signaled("handle", "b");
  h.whole_task();
  const auto a = h.activity_scheduled("1", "work"), b = h.activity_scheduled("2", "work");
  h.activity_completed(b, 1);
  h.activity_completed(a, 1);
  h.whole_task();
  const auto b2 = h.activity_scheduled("3", "work"), a2 = h.activity_scheduled("4", "work");
  h.activity_completed(a2, 1);
  h.activity_completed(b2, 1);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"b0", "a0", "a1", "b1"});
}

TEST_CASE(
    "V017 a result that comes with the cancellation is kept, and the next wait is cancelled") {
  HistoryBuilder h("KeepsResult");
  h.whole_task();
  const auto scheduled = h.activity_scheduled("1", "work");
  h.activity_completed(scheduled, 7);
  h.cancel_requested();
  h.task();
  Run run(module, "KeepsResult");
  auto outcome = run.task(h.history(), 3);
  CHECK(trace() == Lines{"got 7", "cancelled"});
  CHECK(commands_of(outcome) == Lines{"CompleteWorkflowExecution"});
}

TEST_CASE("V026 what fires or is cancelled beside a result ends once") {
  HistoryBuilder h("CancelsBeside");
  h.whole_task();
  const auto activity = h.activity_scheduled("1", "work");
  const auto timer = h.timer_started("1");
  h.timer_started("2");
  h.timer_fired(timer);
  h.activity_completed(activity, 7);
  h.task();
  Run run(module, "CancelsBeside");
  auto outcome = run.task(h.history(), 3);
  CHECK(trace() == Lines{"got 7", "fired", "cancelled"});
  CHECK(commands_of(outcome) == Lines{"CancelTimer (timer id '2')", "CompleteWorkflowExecution"});
}

TEST_CASE("L021 a call from a thread that is not the workflow's says so") {
  HistoryBuilder h("FromAThread");
  h.task();
  Run run(module, "FromAThread");
  (void)run.task(h.history());
  REQUIRE(trace().size() == 1);
  CHECK_MESSAGE(contains(trace()[0], "not from an activity, a thread"), trace()[0]);
}

TEST_CASE("L023 a question wakes nobody, even when it makes a condition true") {
  asked = false;
  HistoryBuilder h("Asked");
  h.task();
  Run run(module, "Asked");
  (void)run.task(h.history());
  CHECK(run.ask("ask") == "1");
  CHECK(run.ask("ask") == "1");
  CHECK(trace().empty());
  h.task_completed();
  h.signaled("poke");
  h.task();
  CHECK(commands_of(run.task(h.since(4), 3)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"woken"});
}

}  // namespace order_test
