// SPDX-License-Identifier: MIT
// What the end of run(), a handler or a task comes to.
#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace outcome_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int work() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

struct CardDeclined : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Throws {
  Task<> run(std::string what) {
    if (what == "failure")
      throw ApplicationError("no money", {.type = "CardDeclined", .non_retryable = true},
                             {to_payload(7)});
    if (what == "bug") throw CardDeclined("a bug");
    if (what == "int") throw 42;
    co_return;
  }
};

struct Rethrows {
  Task<> run() { co_await workflow::execute_activity<work>(kQuick); }
};

struct BadConstructor {
  BadConstructor() { throw CardDeclined("in the constructor"); }
  Task<> run() { co_return; }
};

// Its signal handler goes on after run() has returned (T-38).
struct Outlives {
  Task<> run() {
    co_await workflow::wait_condition([&] { return told_; });
    returned_ = true;
  }
  Task<> tell() {
    told_ = true;
    co_await workflow::wait_condition([&] { return returned_; });
    auto after = workflow::execute_activity<work>(kQuick);
  }
  Task<> linger() {
    told_ = true;
    co_await workflow::sleep(1h);
  }
  bool told_ = false;
  bool returned_ = false;
};

struct HandlerThrows {
  Task<> run() {
    co_await workflow::wait_condition([&] { return done_; });
  }
  void fail() { throw ApplicationError("from a handler"); }
  void bug() { throw CardDeclined("from a handler"); }
  void done() { done_ = true; }
  void number(int n) { note("number " + std::to_string(n)); }
  bool done_ = false;
};

struct FirstWins {
  Task<> run() {
    co_await workflow::wait_condition([&] { return done_; });
  }
  Task<> both() {
    done_ = true;
    co_await workflow::wait_condition([&] { return true; });
    co_await workflow::sleep(0s);
  }
  void finish() { done_ = true; }
  Task<> fail() {
    co_await workflow::wait_condition([&] { return done_; });
    throw ApplicationError("too late");
  }
  bool done_ = false;
};

struct Logs {
  Task<> run() {
    workflow::log().info("first", {{"answer", 42}});
    co_await workflow::sleep(1s);
    workflow::log().warn("second");
  }
};

struct Swallows {
  Task<> run() {
    try {
      workflow::continue_as_new<Swallows>({});
    } catch (const std::exception&) {
      note("swallowed");
    }
    co_return;
  }
};

// Its handler, in the same task, is first.
struct ContinuedByHandler {
  Task<> run() { co_return; }
  void next() { workflow::continue_as_new<ContinuedByHandler>({}); }
};

struct SwallowsAll {
  Task<> run() {
    try {
      workflow::continue_as_new<SwallowsAll>({});
    } catch (...) {
    }
    co_return;
  }
};

struct Forgets {
  Task<int> run() {
    co_await workflow::wait_condition([] { return true; });
  }
};

void fill(Module& m) {
  m.workflow<SwallowsAll>();
  m.workflow<ContinuedByHandler>().signal<&ContinuedByHandler::next>();
  m.workflow<Forgets>();
  m.workflow<Throws>();
  m.workflow<Rethrows>();
  m.workflow<BadConstructor>();
  m.workflow<Outlives>().signal<&Outlives::tell>().signal<&Outlives::linger>();
  m.workflow<HandlerThrows>()
      .signal<&HandlerThrows::fail>()
      .signal<&HandlerThrows::bug>()
      .signal<&HandlerThrows::done>()
      .signal<&HandlerThrows::number>();
  m.workflow<FirstWins>().signal<&FirstWins::finish>().signal<&FirstWins::fail>();
  m.workflow<Logs>();
  m.workflow<Swallows>();
}
const TestModule module(fill);

template <class... Args>
engine::TaskOutcome first_task(const std::string& type, const Args&... args) {
  HistoryBuilder h(type, args...);
  h.task();
  Run run(module, type);
  return run.task(h.history());
}

engine::TaskOutcome signalled(const std::string& type, const std::vector<std::string>& signals) {
  HistoryBuilder h(type);
  for (const auto& name : signals) h.signaled(name);
  h.task();
  Run run(module, type);
  return run.task(h.history());
}

constexpr auto kUnhandled = enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;

TEST_CASE("B017: a Failure that leaves run() fails the workflow, with all it carries") {
  auto outcome = first_task("Throws", "failure");
  REQUIRE(commands_of(outcome) == Lines{"FailWorkflowExecution"});
  const auto& failure = outcome.commands[0].fail_workflow_execution_command_attributes().failure();
  CHECK(failure.message() == "no money");
  CHECK(failure.application_failure_info().type() == "CardDeclined");
  CHECK(failure.application_failure_info().non_retryable());
  CHECK(failure.application_failure_info().details().payloads(0).data() == "7");
  CHECK(outcome.finished);
}

TEST_CASE("B018: any other exception fails the task: a corrected binary may carry on") {
  auto outcome = first_task("Throws", "bug");
  REQUIRE(outcome.failure);
  CHECK(outcome.commands.empty());
  CHECK_FALSE(outcome.finished);
  CHECK(outcome.failure->cause == kUnhandled);
  CHECK(outcome.failure->failure.message() == "a bug");
  CHECK(contains(outcome.failure->text, "workflow Throws (workflow id the-workflow, run id"));
  CHECK(contains(outcome.failure->text, "CardDeclined: a bug"));
  CHECK(contains(failure_of(first_task("Throws", "int")), "UnknownException"));
  CHECK(contains(failure_of(first_task("BadConstructor")), "in the constructor"));
}

TEST_CASE("a run that failed a task takes no other") {
  HistoryBuilder h("Throws", "bug");
  h.task();
  Run run(module, "Throws");
  CHECK(run.task(h.history()).failure);
  CHECK(contains(failure_of(run.task(h.history())), "is to be forgotten"));
}

TEST_CASE("input that does not fit run() fails the task and names the argument") {
  CHECK(contains(failure_of(first_task("Throws")), "argument 1 of 1 is missing"));
  CHECK(contains(failure_of(first_task("Throws", 5)), "does not decode as std::"));
}

TEST_CASE("an activity's failure ends the workflow with its chain of causes") {
  HistoryBuilder h("Rethrows");
  h.whole_task();
  h.activity_failed(h.activity_scheduled("1", "work"), ApplicationError("root", {.type = "Root"}));
  h.task();
  Run run(module, "Rethrows");
  auto outcome = run.task(h.history(), 3);
  REQUIRE(commands_of(outcome) == Lines{"FailWorkflowExecution"});
  const auto& failure = outcome.commands[0].fail_workflow_execution_command_attributes().failure();
  CHECK(failure.activity_failure_info().activity_id() == "1");
  CHECK(failure.activity_failure_info().identity() == "a-worker");
  CHECK(failure.activity_failure_info().retry_state() ==
        enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  CHECK(failure.cause().application_failure_info().type() == "Root");
}

TEST_CASE("handlers follow the same rule as run()") {
  CHECK(commands_of(signalled("HandlerThrows", {"fail"})) == Lines{"FailWorkflowExecution"});
  auto bug = signalled("HandlerThrows", {"bug"});
  REQUIRE(bug.failure);
  CHECK(bug.failure->cause == kUnhandled);
}

TEST_CASE("G003 a signal whose arguments do not fit is dropped and logged, the run goes on") {
  HistoryBuilder h("HandlerThrows");
  h.signaled("number", "seven");
  h.signaled("number", 7);
  h.signaled("done");
  h.task();
  Lines logged;
  Run run(module, "HandlerThrows",
          [&](const auto&, LogLevel level, std::string_view text, const LogFields& f) {
            logged.push_back(std::string(to_string(level)) + " " + std::string(text) + " " +
                             f["signal"].get<std::string>());
          });
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"number 7"});
  CHECK(logged == Lines{"error a signal was dropped: its arguments do not fit the handler number"});
}

TEST_CASE("T-53: a signal nobody handles is kept, and named when the workflow ends without it") {
  HistoryBuilder h("HandlerThrows");
  h.signaled("unknown", 1);
  h.signaled("done");
  h.task();
  Lines logged;
  Run run(module, "HandlerThrows",
          [&](const auto&, LogLevel, std::string_view text, const LogFields& f) {
            logged.push_back(std::string(text) + " " + f.dump());
          });
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(
      logged ==
      Lines{
          R"(the workflow ended with signals that it has no handler for {"signals":["unknown"]})"});
}

TEST_CASE(
    "T-38: commands issued after the end go before it; by an old history's rule they are cut") {
  CHECK(commands_of(signalled("Outlives", {"tell"})) ==
        Lines{"ScheduleActivityTask (activity id '1', type 'work')", "CompleteWorkflowExecution"});

  HistoryBuilder with("Outlives");
  with.signaled("tell");
  with.whole_task();
  with.activity_scheduled("1", "work");
  with.completed();
  CHECK(replayed(module, with) == "ok");

  // T-50: the flag stands in the completion that follows the chunk it was used in.
  HistoryBuilder without("Outlives");
  without.signaled("tell");
  without.task();
  without.task_completed()->mutable_core_used_flags()->RemoveLast();
  without.completed();
  CHECK(replayed(module, without) == "ok");
}

TEST_CASE("L015, L016: the first of two ends counts") {
  CHECK(commands_of(signalled("FirstWins", {"fail", "finish"})).size() == 1);
}

TEST_CASE("G011: handlers that still run when the workflow ends are named") {
  HistoryBuilder h("Outlives");
  h.signaled("linger");
  h.task();
  Lines logged;
  Run run(module, "Outlives",
          [&](const auto&, LogLevel, std::string_view text, const LogFields& f) {
            logged.push_back(std::string(text.substr(0, 11)) + " " + f.dump());
          });
  CHECK(commands_of(run.task(h.history())) ==
        Lines{"StartTimer (timer id '1')", "CompleteWorkflowExecution"});
  CHECK(logged == Lines{R"([TMPRL1102] {"signals":["linger"]})"});
}

TEST_CASE("B030: logging is silent while history is replayed") {
  HistoryBuilder h("Logs");
  h.whole_task();
  h.timer_fired(h.timer_started("1"));
  h.task();
  Lines logged;
  Run run(module, "Logs",
          [&](const auto&, LogLevel level, std::string_view text, const LogFields&) {
            logged.push_back(std::string(to_string(level)) + " " + std::string(text));
          });
  (void)run.task(h.history(), 3);
  CHECK(logged == Lines{"warn second"});
}

TEST_CASE("continue_as_new is not caught as a std::exception by accident") {
  CHECK(commands_of(first_task("Swallows")) == Lines{"ContinueAsNewWorkflowExecution"});
  CHECK(trace().empty());
}

TEST_CASE("a run that its handler continues as new may return in the same task") {
  HistoryBuilder h("ContinuedByHandler");
  h.task_scheduled();
  h.signaled("next");
  h.task_started();
  Run run(module, "ContinuedByHandler");
  const auto outcome = run.task(h.history());
  CHECK(failure_of(outcome).empty());
  REQUIRE(outcome.commands.size() == 1);
  CHECK(commands_of(outcome)[0] == "ContinueAsNewWorkflowExecution");
}

TEST_CASE("a run that catches everything continue_as_new throws fails its task, and is told how") {
  const auto outcome = first_task("SwallowsAll");
  CHECK(contains(failure_of(outcome), "what continue_as_new() throws was caught"));
  CHECK(outcome.commands.empty());
}

TEST_CASE(
    "a run() that ends without co_return fails its task, naming the line where it waited last") {
  const auto outcome = first_task("Forgets");
  CHECK(contains(failure_of(outcome), "ended without co_return"));
  CHECK(contains(failure_of(outcome), "outcome_test.cpp:"));
  CHECK(outcome.commands.empty());
}

TEST_CASE("T-52: a run recorded by a newer worker fails the task") {
  HistoryBuilder h("Logs");
  h.task();
  h.task_completed()->add_core_used_flags(9);
  h.timer_fired(h.timer_started("1"));
  h.task();
  Run run(module, "Logs");
  CHECK(contains(failure_of(run.task(h.history(), 3)), "the core SDK flag 9"));
}

}  // namespace outcome_test
