// SPDX-License-Identifier: MIT
// Updates: judged when they are new, accepted before anything their handler does, and replayed from what was accepted.
#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace update_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int work() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

std::string who() {
  const auto update = workflow::current_update();
  return update ? update->name + " " + update->id : "nobody";
}

class Counter {
 public:
  Task<int> run() {
    note("run: " + who());
    co_await workflow::wait_condition([&] { return done_; });
    co_return total_;
  }
  int add(int n) {
    note("add " + std::to_string(n));
    return total_ += n;
  }
  void check_add(int n) const {
    note("check " + std::to_string(n));
    if (n < 0) throw ApplicationError("no negative numbers");
  }
  Task<int> add_slowly(int n) {
    note("slow: " + who());
    co_await inner();
    co_return total_ += n;
  }
  Task<int> add_by_activity(int n) {
    co_return total_ += n * co_await workflow::execute_activity<work>(kQuick);
  }
  void fail() { throw ApplicationError("the handler said no"); }
  void break_down() { throw std::logic_error("a bug"); }
  void finish() { done_ = true; }
  void fail_late() {}
  void check_by_command() const { (void)workflow::sleep(1s); }
  void bump() {
    note("bump");
    total_ += 100;
  }

 private:
  Task<> inner() {
    note("inner: " + who());
    co_await workflow::sleep(1s);
    note("woken: " + who());
  }
  int total_ = 0;
  bool done_ = false;
};

struct SetsLate {
  Task<> run() {
    workflow::set_update_handler(
        "late", [](int n) { return n * 2; },
        [](int n) {
          if (n == 13) throw ApplicationError("unlucky");
        });
    workflow::set_dynamic_update_handler(
        [](std::string name, Payloads arguments) -> Task<std::string> {
          co_return name + " " + std::to_string(arguments.size());
        });
    co_await workflow::sleep(1h);
  }
};

void fill(Module& m) {
  m.workflow<Counter>()
      .update<&Counter::add, &Counter::check_add>()
      .update<&Counter::add_slowly>()
      .update<&Counter::add_by_activity>()
      .update<&Counter::fail>()
      .update<&Counter::break_down>()
      .update<&Counter::finish>()
      .update<&Counter::fail_late, &Counter::check_by_command>()
      .signal<&Counter::bump>();
  m.workflow<SetsLate>();
}
const TestModule module(fill);

TEST_CASE("D021 an update is accepted and completed in one task, before what ends the run") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  auto outcome = run.task(h.history(), {update("u1", "add", 3), update("u2", "finish")});
  CHECK(messages_of(outcome) ==
        Lines{"u1 accepted", "u1 completed 3", "u2 accepted", "u2 completed "});
  CHECK(commands_of(outcome) ==
        Lines{"ProtocolMessage (message 'u1/accept')", "ProtocolMessage (message 'u1/complete')",
              "ProtocolMessage (message 'u2/accept')", "ProtocolMessage (message 'u2/complete')",
              "CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"check 3", "add 3", "run: nobody"});
}

TEST_CASE(
    "a validator turns an update down: a message without a command, and the handler never runs") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  auto outcome = run.task(h.history(), {update("u1", "add", -1)});
  CHECK(messages_of(outcome) == Lines{"u1 rejected no negative numbers"});
  CHECK(commands_of(outcome).empty());
  CHECK(trace() == Lines{"check -1", "run: nobody"});
}

TEST_CASE("D002 D006 an unknown update and arguments that do not fit are turned down") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  auto outcome = run.task(h.history(), {update("u1", "subtract", 1), update("u2", "add", "three"),
                                        update("u3", "add")});
  const auto said = messages_of(outcome);
  REQUIRE(said.size() == 3);
  CHECK_MESSAGE(contains(said[0] + said[1] + said[2],
                         "this workflow has no update 'subtract'; known updates: add, "),
                said[0]);
  for (const auto& line : said)
    CHECK_MESSAGE((contains(line, "rejected this workflow has no update") ||
                   contains(line, "rejected Failed decoding arguments")),
                  line);
  CHECK(commands_of(outcome).empty());
}

TEST_CASE("D004 D007 a Failure fails the update, another exception the task") {
  HistoryBuilder h("Counter");
  h.task();
  {
    Run run(module, "Counter");
    auto outcome = run.task(h.history(), {update("u1", "fail")});
    CHECK(messages_of(outcome) == Lines{"u1 accepted", "u1 failed the handler said no"});
    CHECK_FALSE(outcome.finished);
  }
  Run run(module, "Counter");
  CHECK(contains(failure_of(run.task(h.history(), {update("u1", "break_down")})), "a bug"));
}

TEST_CASE("D008 a command in a validator fails the task") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  const auto outcome = run.task(h.history(), {update("u1", "fail_late")});
  CHECK_MESSAGE(contains(failure_of(outcome), "while in read-only function: the validator"),
                failure_of(outcome));
}

TEST_CASE("D009 replayed, an accepted update runs without its validator, and sends nothing") {
  HistoryBuilder h("Counter");
  const auto scheduled = h.task_scheduled();
  h.task_started();
  h.task_completed();
  const auto accepted = h.update_accepted("u1", "add", scheduled, -5);
  h.update_completed("u1", accepted, -5);
  h.task();
  Run run(module, "Counter");
  auto outcome = run.task(h.history(), {}, 3);
  CHECK(failure_of(outcome).empty());
  CHECK(messages_of(outcome).empty());
  CHECK(commands_of(outcome).empty());
  CHECK(trace() == Lines{"add -5", "run: nobody"});
}

TEST_CASE("D021 an update is accepted in one task and completed in a later one") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  auto first = run.task(h.history(), {update("u1", "add_slowly", 2)});
  CHECK(messages_of(first) == Lines{"u1 accepted"});
  CHECK(commands_of(first) ==
        Lines{"ProtocolMessage (message 'u1/accept')", "StartTimer (timer id '1')"});
  h.task_completed();
  h.update_accepted("u1", "add_slowly", 2, 2);
  const auto timer = h.timer_started("1");
  h.timer_fired(timer);
  h.task();
  auto second = run.task(h.since(4), 3);
  CHECK(failure_of(second).empty());
  CHECK(messages_of(second) == Lines{"u1 completed 2"});
  // The same from its history alone, cut there.
  Run again(module, "Counter");
  auto replayed = again.task(h.history(), {}, 3);
  CHECK(messages_of(replayed) == Lines{"u1 completed 2"});
  CHECK(trace() == Lines{"slow: add_slowly u1", "inner: add_slowly u1", "run: nobody",
                         "woken: add_slowly u1"});
}

TEST_CASE("D016 the update is known in its handler and in the coroutines it calls, nowhere else") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  (void)run.task(h.history(), {update("u1", "add_slowly", 2)});
  CHECK(trace() == Lines{"slow: add_slowly u1", "inner: add_slowly u1", "run: nobody"});
}

TEST_CASE("D023 ten updates in one task keep their order, and their place among other commands") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  std::vector<engine::UpdateRequest> updates;
  Lines expected;
  for (int i = 0; i < 10; ++i) {
    const auto id = "u" + std::to_string(i);
    updates.push_back(update(id, "add_by_activity", i));
    expected.push_back("ProtocolMessage (message '" + id + "/accept')");
    expected.push_back("ScheduleActivityTask (activity id '" + std::to_string(i + 1) +
                       "', type 'work')");
  }
  CHECK(commands_of(run.task(h.history(), updates)) == expected);
}

TEST_CASE("D028 an update sees the signals of its task") {
  HistoryBuilder h("Counter");
  h.signaled("bump");
  h.task();
  Run run(module, "Counter");
  auto outcome = run.task(h.history(), {update("u1", "add", 1)});
  CHECK(messages_of(outcome) == Lines{"u1 accepted", "u1 completed 101"});
}

TEST_CASE("D001 handlers that run() sets take what came with the start, catch-alls the rest") {
  HistoryBuilder h("SetsLate");
  h.task();
  Run run(module, "SetsLate");
  auto outcome = run.task(h.history(), {update("u1", "late", 21), update("u2", "late", 13),
                                        update("u3", "unheard", 1, 2)});
  CHECK(messages_of(outcome) == Lines{"u1 accepted", "u1 completed 42", "u2 rejected unlucky",
                                      "u3 accepted", "u3 completed \"unheard 2\""});
}

TEST_CASE("an update that comes with a whole history is delivered at its end") {
  HistoryBuilder h("Counter");
  h.whole_task();
  h.signaled("bump");
  h.task();
  Run run(module, "Counter");
  auto outcome = run.task(h.history(), {update("u1", "add", 1)}, 3);
  CHECK(failure_of(outcome) == "");
  CHECK(messages_of(outcome) == Lines{"u1 accepted", "u1 completed 101"});
}

TEST_CASE(
    "an update that a reset brought is handled in the first task after it, live and replayed") {
  HistoryBuilder h("Counter");
  h.task();
  h.task_failed(enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW, "new-run");
  h.update_admitted("u1", "add_slowly", 2);
  h.task();
  Run run(module, "Counter");
  const Lines expected{"ProtocolMessage (message 'u1/accept')", "StartTimer (timer id '1')"};
  CHECK(commands_of(run.task(h.history())) == expected);
  h.task_completed();
  // The acceptance refers to the request, and does not repeat it.
  h.update_accepted("u1", "", 5);
  h.last().mutable_workflow_execution_update_accepted_event_attributes()->clear_accepted_request();
  h.timer_fired(h.timer_started("1"));
  h.task();
  Run again(module, "Counter");
  CHECK(messages_of(again.task(h.history(), {}, 7)) == Lines{"u1 completed 2"});
}

TEST_CASE("the code must still accept what history says was accepted") {
  HistoryBuilder h("Counter");
  const auto scheduled = h.task_scheduled();
  h.task_started();
  h.task_completed();
  h.update_accepted("u1", "no_such_update", scheduled, 1);
  h.task();
  Run run(module, "Counter");
  const auto outcome = run.task(h.history(), {}, 3);
  CHECK_MESSAGE(contains(failure_of(outcome), "[TMPRL1100] Nondeterminism at event 5"),
                failure_of(outcome));
}

TEST_CASE("R022 a task that the server takes back is rolled back: the run goes on with the next") {
  HistoryBuilder h("Counter");
  h.task();
  Run run(module, "Counter");
  (void)run.task(h.history());
  const auto before = h.last_id();
  h.task_completed();
  HistoryBuilder speculative = h;
  speculative.task();
  auto refused = run.task(speculative.since(before + 1), {update("u1", "add", -1)}, 3);
  CHECK(messages_of(refused) == Lines{"u1 rejected no negative numbers"});
  run->roll_back_to(3);
  CHECK(run->last_started_event_id() == 3);
  h.signaled("bump");
  h.task();
  auto outcome = run.task(h.since(before + 1), {update("u2", "add", 1)}, 3);
  CHECK(failure_of(outcome).empty());
  CHECK(messages_of(outcome) == Lines{"u2 accepted", "u2 completed 101"});
}

TEST_CASE("an update that comes to a run rebuilt finds the code where its last task had left it") {
  HistoryBuilder h("Counter");
  h.whole_task();  // it only waits
  h.task();
  Run run(module, "Counter");
  const auto outcome = run.task(h.history(), {update("u1", "add", 3)}, 3);
  CHECK(messages_of(outcome) == Lines{"u1 accepted", "u1 completed 3"});
  CHECK(trace() == Lines{"run: nobody", "check 3", "add 3"});
}

}  // namespace update_test
