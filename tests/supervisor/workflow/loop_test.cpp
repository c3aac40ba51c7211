// SPDX-License-Identifier: MIT
// The loop: order, conditions, depth.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace loop_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

constexpr int kMany = 100'000;

Task<int> one() { co_return 1; }

struct Row {
  Task<int> run() {
    int sum = 0;
    for (int i = 0; i < kMany; ++i) sum += co_await one();
    co_return sum;
  }
};

Task<int> deep(int left) {
  if (left == 0) co_return 0;
  co_return 1 + co_await deep(left - 1);
}

Task<int> deep_failure(int left) {
  if (left == 0) throw ApplicationError("from the bottom");
  co_return co_await deep_failure(left - 1);
}

struct Deep {
  Task<int> run() { co_return co_await deep(kMany); }
};

struct DeepFailure {
  Task<int> run() { co_return co_await deep_failure(kMany); }
};

Task<> waiter(std::string name, int& tokens) {
  co_await workflow::wait_condition([&] { return tokens > 0; });
  --tokens;
  note(name);
}

// L003: each waiter still finds true what it waited for.
struct Waiters {
  Task<> run() {
    std::vector<workflow::Future<>> all;
    for (const char* name : {"a", "b", "c"}) all.push_back(workflow::spawn(waiter(name, tokens_)));
    co_await workflow::all(std::move(all));
  }
  void give(int tokens) { tokens_ += tokens; }
  int tokens_ = 0;
};

// Waiting for the same event, they wake in the order in which they began to wait.
struct Spawned {
  Task<> run() {
    auto timer = workflow::sleep(1s);
    std::vector<workflow::Future<int>> all;
    for (int i = 0; i < 3; ++i) all.push_back(workflow::spawn(step(i, timer)));
    note("spawned");
    for (int i : co_await workflow::all(all)) note("result " + std::to_string(i));
  }
  static Task<int> step(int i, workflow::Future<> timer) {
    note("start " + std::to_string(i));
    co_await timer;
    note("woke " + std::to_string(i));
    co_return i * 10;
  }
};

struct AllFails {
  Task<> run() {
    std::vector<workflow::Future<int>> all;
    for (int i = 0; i < 3; ++i) all.push_back(workflow::spawn(step(i)));
    try {
      co_await workflow::all(all);
    } catch (const ApplicationError& error) {
      note(error.message());
    }
    co_await workflow::wait_condition([&] { return ended_ == 2; });
    note("the others ran on");
  }
  Task<int> step(int i) {
    co_await workflow::sleep(std::chrono::seconds(3 - i));
    if (i == 2) throw ApplicationError("the third failed");
    ++ended_;
    co_return i;
  }
  int ended_ = 0;
};

struct Empty {
  Task<int> run() {
    co_return int((co_await workflow::all(std::vector<workflow::Future<int>>{})).size());
  }
};

struct Already {
  Task<bool> run() {
    co_return co_await workflow::wait_condition([] { return true; }, 1h);
  }
};

struct Timed {
  Task<> run() {
    const bool held = co_await workflow::wait_condition([&] { return flag_; }, 1h);
    note(held ? "held" : "timed out");
  }
  void set() { flag_ = true; }
  bool flag_ = false;
};

struct Meddles {
  Task<> run() {
    co_await workflow::wait_condition([] {
      (void)workflow::sleep(1s);
      return false;
    });
  }
};

// Nobody waits for the condition: its predicate must not be called when what it looks at is gone.
struct Forgets {
  Task<> run() {
    note("begin");
    co_await forget();
    co_await workflow::sleep(1s);
    note("end");
  }
  static Task<> forget() {
    const std::string local(100, 'x');
    (void)workflow::wait_condition([&] { return local.size() != 100; });
    co_return;
  }
};

struct ManyTimers {
  Task<int> run() {
    std::vector<workflow::Future<>> timers;
    for (int i = 0; i < 10'000; ++i) timers.push_back(workflow::sleep(1s));
    int fired = 0;
    for (auto& timer : timers) {
      co_await timer;
      ++fired;
    }
    co_return fired;
  }
};

void fill(Module& m) {
  m.workflow<Row>();
  m.workflow<Deep>();
  m.workflow<DeepFailure>();
  m.workflow<Waiters>().signal<&Waiters::give>();
  m.workflow<Spawned>();
  m.workflow<AllFails>();
  m.workflow<Empty>();
  m.workflow<Already>();
  m.workflow<Timed>().signal<&Timed::set>();
  m.workflow<Meddles>();
  m.workflow<Forgets>();
  m.workflow<ManyTimers>();
}
const TestModule module(fill);

std::string result_of(const std::string& type) {
  HistoryBuilder h(type);
  h.task();
  Run run(module, type);
  auto outcome = run.task(h.history());
  if (outcome.failure) return outcome.failure->text;
  if (commands_of(outcome) == Lines{"FailWorkflowExecution"})
    return outcome.commands[0].fail_workflow_execution_command_attributes().failure().message();
  return outcome.commands.at(0)
      .complete_workflow_execution_command_attributes()
      .result()
      .payloads(0)
      .data();
}

TEST_CASE("L029: 100,000 awaits in a row, or nested, do not grow the stack") {
  CHECK(result_of("Row") == "100000");
  CHECK(result_of("Deep") == "100000");
  CHECK(result_of("DeepFailure") == "from the bottom");
}

TEST_CASE("L003: waiters of conditions wake in order of registration, one at a time") {
  HistoryBuilder h("Waiters");
  h.whole_task();
  h.signaled("give", 2);
  h.task();
  Run run(module, "Waiters");
  CHECK(failure_of(run.task(h.history(), 3)) == "");
  CHECK(trace() == Lines{"a", "b"});
  h.task_completed();
  h.signaled("give", 1);
  h.task();
  CHECK(commands_of(run.task(h.since(8), 7)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"a", "b", "c"});
}

TEST_CASE(
    "spawned coroutines start when the spawner waits, wake in order; `all` keeps the order given") {
  HistoryBuilder h("Spawned");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"spawned", "start 0", "start 1", "start 2", "woke 0", "woke 1", "woke 2",
                         "result 0", "result 10", "result 20"});
}

TEST_CASE("L010: `all` throws the first failure at once, the others run on") {
  HistoryBuilder h("AllFails");
  h.whole_task();
  const auto first = h.timer_started("1");
  const auto second = h.timer_started("2");
  const auto third = h.timer_started("3");
  h.timer_fired(third);
  h.whole_task();
  h.timer_fired(second);
  h.timer_fired(first);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"the third failed", "the others ran on"});
}

TEST_CASE("`all` of nothing is done at once") { CHECK(result_of("Empty") == "0"); }

TEST_CASE("L005: a condition that holds already makes no timer") {
  CHECK(result_of("Already") == "true");
}

TEST_CASE("L004: a wait with a timeout: the condition cancels the timer, the timer ends the wait") {
  HistoryBuilder h("Timed");
  h.whole_task();
  const auto timer = h.timer_started("1");
  h.signaled("set");
  h.task();
  Run held(module, "Timed");
  CHECK(commands_of(held.task(h.history(), 3)) ==
        Lines{"CancelTimer (timer id '1')", "CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"held"});

  HistoryBuilder late("Timed");
  late.whole_task();
  late.timer_fired(late.timer_started("1"));
  late.task();
  Run expired(module, "Timed");
  CHECK(commands_of(expired.task(late.history(), 3)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"timed out"});

  HistoryBuilder both("Timed");
  both.whole_task();
  both.signaled("set");
  both.timer_fired(timer);
  CHECK(timer == 5);
}

TEST_CASE("L022: a predicate that does more than look is told so") {
  CHECK(contains(result_of("Meddles"), "workflow::sleep() was called while in read-only function"));
}

TEST_CASE("a condition that nobody waits for is forgotten") {
  HistoryBuilder h("Forgets");
  h.whole_task();
  h.timer_fired(h.timer_started("1"));
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"begin", "end"});
}

TEST_CASE("L028: ten thousand timers in one run") {
  HistoryBuilder h("ManyTimers");
  h.whole_task();
  std::vector<std::int64_t> started;
  for (int i = 1; i <= 10'000; ++i) started.push_back(h.timer_started(std::to_string(i)));
  for (auto id = started.rbegin(); id != started.rend(); ++id) h.timer_fired(*id);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

}  // namespace loop_test
