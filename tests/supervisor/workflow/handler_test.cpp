// SPDX-License-Identifier: MIT
// How a workflow's object is made, who handles its signals, and which exceptions it may fail with.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace handler_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

class Made {
 public:
  explicit Made(std::string name) : name_(std::move(name)) { note("made for " + name_); }
  Task<> run(std::string) {
    note("run for " + name_);
    co_await workflow::wait_condition([] { return workflow::all_handlers_finished(); });
  }
  void greet() { note("greet " + name_); }

 private:
  std::string name_;
};

struct Late {
  Task<> run() {
    note("first");
    co_await workflow::sleep(1h);
    workflow::set_signal_handler("post", [](std::string text) { note("post " + text); });
    note("set");
    co_await workflow::sleep(1h);
    workflow::set_dynamic_signal_handler([](std::string name, Payloads arguments) -> Task<> {
      note(name + " of " + std::to_string(arguments.size()));
      co_return;
    });
    co_await workflow::sleep(1h);
  }
};

struct Anything {
  Task<std::string> run(std::string type, Payloads arguments) {
    co_return type + " with " + std::to_string(arguments.size());
  }
};

struct Listed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct MoreSo : Listed {
  using Listed::Listed;
};

struct Throws {
  Task<> run(int what) {
    if (what == 1) throw MoreSo("listed");
    if (what == 2) throw std::domain_error("of all workflows");
    if (what == 3) throw std::runtime_error("not listed");
    co_await workflow::wait_condition([] { return false; });
  }
  void trip(int what) {
    if (what == 1) throw MoreSo("listed");
    throw std::runtime_error("not listed");
  }
};

struct Abandons {
  Task<> run() { co_return; }
  Task<> slow() { co_await workflow::sleep(1h); }
  Task<> slower() { co_await workflow::sleep(2h); }
};

void fill(Module& m) {
  m.workflow<Made>().signal<&Made::greet>();
  m.workflow<Late>();
  m.workflow<Throws>().fails_with<Listed>().signal<&Throws::trip>();
  m.workflows_fail_with<std::domain_error>();
  m.workflow<Abandons>().signal<&Abandons::slow>().signal<&Abandons::slower>(
      {.name = "slower", .unfinished = Unfinished::abandon});
  m.dynamic_workflow<Anything>();
}
const TestModule module(fill);

struct Changed {
  Task<> run() { co_await workflow::sleep(1h); }
};

TEST_CASE("B015 the constructor gets the arguments, before handlers, which come before run()") {
  HistoryBuilder h("Made", std::string("tea"));
  h.signaled("greet");
  h.task();
  Run run(module, "Made");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"made for tea", "greet tea", "run for tea"});
}

TEST_CASE("B014 arguments that a constructor cannot have fail the task, not the workflow") {
  HistoryBuilder h("Made", 7);
  h.task();
  Run run(module, "Made");
  CHECK_MESSAGE(contains(failure_of(run.task(h.history())), "argument 1 of 1"),
                "which argument it is");
}

TEST_CASE("G002 signals wait for the handler of their name, and come in the order they were sent") {
  HistoryBuilder h("Late");
  for (const char* text : {"1", "2"}) {
    h.signaled("post", text);
    h.signaled("other", text);
  }
  h.whole_task();
  const auto first = h.timer_started("1");
  h.timer_fired(first);
  h.whole_task();
  const auto second = h.timer_started("2");
  h.timer_fired(second);
  h.task();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"first", "set", "post 1", "post 2", "other of 1", "other of 1"});
}

TEST_CASE("B012 a catch-all workflow gets the type that was asked for and the raw arguments") {
  HistoryBuilder h("Unheard", 1, 2);
  h.task();
  Run run(module, "Unheard");
  auto outcome = run.task(h.history());
  REQUIRE(commands_of(outcome) == Lines{"CompleteWorkflowExecution"});
  CHECK(outcome.commands[0]
            .complete_workflow_execution_command_attributes()
            .result()
            .payloads(0)
            .data() == "\"Unheard with 2\"");
}

TEST_CASE("B019 listed exceptions and those derived from them fail the workflow, others the task") {
  const auto end_of = [](int what) {
    HistoryBuilder h("Throws", what);
    h.task();
    Run run(module, "Throws");
    const auto outcome = run.task(h.history());
    return outcome.failure ? Lines{"task failed"} : commands_of(outcome);
  };
  CHECK(end_of(1) == Lines{"FailWorkflowExecution"});
  CHECK(end_of(2) == Lines{"FailWorkflowExecution"});
  CHECK(end_of(3) == Lines{"task failed"});
}

TEST_CASE("G010 the list holds for handlers too") {
  const auto end_of = [](int what) {
    HistoryBuilder h("Throws", 0);
    h.signaled("trip", what);
    h.task();
    Run run(module, "Throws");
    const auto outcome = run.task(h.history());
    return outcome.failure ? Lines{"task failed"} : commands_of(outcome);
  };
  CHECK(end_of(1) == Lines{"FailWorkflowExecution"});
  CHECK(end_of(2) == Lines{"task failed"});
}

TEST_CASE("B020 nondeterminism fails the workflow where it is listed, the task elsewhere") {
  const TestModule listed(
      [](Module& m) { m.workflow<Changed>().fails_with<NondeterminismError>(); });
  const TestModule unlisted([](Module& m) { m.workflow<Changed>(); });
  HistoryBuilder h("Changed");
  h.whole_task();
  h.activity_scheduled("1", "work");
  h.task();
  Run fails(listed, "Changed");
  const auto outcome = fails.task(h.history(), 3);
  CHECK(commands_of(outcome) == Lines{"FailWorkflowExecution"});
  CHECK(outcome.finished);
  Run waits(unlisted, "Changed");
  const auto text = failure_of(waits.task(h.history(), 3));
  CHECK(contains(text, "[TMPRL1100]"));
  CHECK_MESSAGE(contains(text, "the code issued StartTimer (timer id '1') at "), text);
  CHECK_MESSAGE(contains(text, "handler_test.cpp:"), text);
  CHECK(contains(replayed(listed, h), "[TMPRL1100]"));
}

TEST_CASE("G011 handlers that are cut off are named, but those that may be") {
  HistoryBuilder h("Abandons");
  h.signaled("slow");
  h.signaled("slower");
  h.task();
  std::string logged;
  Run run(module, "Abandons",
          [&](const auto&, LogLevel, std::string_view message, const LogFields& fields) {
            logged += std::string(message) + fields.dump();
          });
  (void)run.task(h.history());
  CHECK_MESSAGE(contains(logged, "[TMPRL1102]"), logged);
  CHECK_MESSAGE(contains(logged, "{\"signals\":[\"slow\"]}"), logged);
}

}  // namespace handler_test
