// SPDX-License-Identifier: MIT
// Questions: they are answered by what is there, and change nothing.
#include <doctest/doctest.h>

#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace query_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int work() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

class Cart {
 public:
  Task<> run() {
    workflow::set_query_handler("late", [](int n) { return n + 1; });
    workflow::set_current_details("two *items*");
    co_await pay();
  }
  int total(int times) const { return times * 2; }
  std::string any(std::string name, Payloads arguments) const {
    return name + " " + std::to_string(arguments.size());
  }
  int fail() const { throw ApplicationError("the cart is on fire"); }
  int draw() const { return int(workflow::random()()); }
  int sleep() const {
    (void)workflow::sleep(1s);
    return 0;
  }
  int listen() const {
    workflow::set_query_handler("more", [] { return 1; });
    return 0;
  }
  int spawn() const {
    (void)workflow::execute_activity<work>(kQuick);
    return 0;
  }
  void note_it(std::string text) { note("signal " + text); }

 private:
  Task<> pay() { co_await workflow::execute_activity<work>(kQuick); }
};

void fill(Module& m) {
  m.workflow<Cart>()
      .query<&Cart::total>({.name = "total", .description = "what it costs"})
      .dynamic_query<&Cart::any>()
      .query<&Cart::fail>()
      .query<&Cart::draw>()
      .query<&Cart::sleep>()
      .query<&Cart::listen>()
      .query<&Cart::spawn>()
      .signal<&Cart::note_it>();
}
const TestModule module(fill);

struct Plain {
  Task<> run() { co_await workflow::sleep(1h); }
};
const TestModule plain([](Module& m) { m.workflow<Plain>(); });

struct Started {
  explicit Started(const Module& of = module, const std::string& type = "Cart")
      : h(type), run(of, type) {
    h.task();
    commands = commands_of(run.task(h.history()));
  }
  HistoryBuilder h;
  Run run;
  Lines commands;
};

TEST_CASE("Q001 a query is answered by name, with arguments, by a closure, or by the catch-all") {
  Started cart;
  CHECK(cart.run.ask("total", 21) == "42");
  CHECK(cart.run.ask("late", 41) == "42");
  CHECK(cart.run.ask("what", 1, 2, 3) == "\"what 3\"");
}

TEST_CASE("Q002 an unknown query fails and lists what is known") {
  Started none(plain, "Plain");
  CHECK(none.run.ask("total") ==
        "failed: this workflow has no query 'total'; known queries: __stack_trace, "
        "__enhanced_stack_trace, __temporal_workflow_metadata");
}

TEST_CASE("Q003 what a handler throws, or arguments that do not fit, fail the query alone") {
  Started cart;
  CHECK(cart.run.ask("fail") == "failed: the cart is on fire");
  CHECK_MESSAGE(contains(cart.run.ask("total", "three"), "failed: "), cart.run.ask("total", "x"));
  CHECK(cart.run.ask("total", 1) == "2");
}

TEST_CASE("L022 a query that asks for something to happen fails, and nothing happens") {
  Started cart;
  for (const char* query : {"draw", "sleep", "listen", "spawn"})
    CHECK_MESSAGE(contains(cart.run.ask(query), "was called while in read-only function: a query"),
                  cart.run.ask(query));
  cart.h.task_completed();
  const auto scheduled = cart.h.activity_scheduled("1", "work");
  cart.h.activity_completed(scheduled, 1);
  cart.h.task();
  CHECK(commands_of(cart.run.task(cart.h.since(4), 3)) == Lines{"CompleteWorkflowExecution"});
}

TEST_CASE("Q004 a run that is over is replayed and answers") {
  HistoryBuilder h("Cart");
  h.whole_task();
  const auto scheduled = h.activity_scheduled("1", "work");
  h.activity_completed(scheduled, 1);
  h.whole_task();
  h.completed();
  Run run(module, "Cart");
  engine::WorkflowTaskInput input;
  input.history = h.history();
  input.previous_started_event_id = h.last_id();
  auto outcome = run->activate(std::move(input));
  CHECK(failure_of(outcome).empty());
  CHECK(outcome.commands.empty());
  CHECK(run.ask("total", 2) == "4");
}

TEST_CASE("B026 __stack_trace names the lines that coroutines wait at, the innermost first") {
  Started cart;
  const auto text = cart.run.ask("__stack_trace");
  const auto pay = text.find("Cart::pay ("), run = text.find("Cart::run (");
  CHECK_MESSAGE(pay != std::string::npos, text);
  CHECK_MESSAGE((run != std::string::npos && pay < run), text);
  CHECK_MESSAGE(contains(text, "query_test.cpp:"), text);
  CHECK_MESSAGE(!contains(text, "temporal::"), text);
  const auto enhanced = cart.run.ask("__enhanced_stack_trace");
  CHECK_MESSAGE(contains(enhanced, "\"functionName\":\"query_test::Cart::pay\""), enhanced);
  CHECK_MESSAGE(contains(enhanced, "\"name\":\"temporal-supervisor\""), enhanced);
}

TEST_CASE("B027 __temporal_workflow_metadata lists what a workflow answers to") {
  Started cart;
  const auto text = cart.run.ask("__temporal_workflow_metadata");
  for (const char* part :
       {"\"type\":\"Cart\"", "{\"name\":\"total\",\"description\":\"what it costs\"}",
        "\"name\":\"late\"", "\"signalDefinitions\":[{\"name\":\"note_it\"}]",
        "\"currentDetails\":\"two *items*\""})
    CHECK_MESSAGE(contains(text, part), text);
}

struct Rests {
  Task<int> run() {
    co_await workflow::sleep(std::chrono::hours(1));
    co_return 1;
  }
  int answer() const { return 42; }
};

TEST_CASE("Q: a run that does not fit its history answers no question, whatever fails workflows") {
  const TestModule module([](Module& m) {
    m.workflow<Rests>().query<&Rests::answer>();
    m.workflows_fail_with<std::exception>();
  });
  HistoryBuilder h("Rests");
  h.whole_task();
  h.activity_scheduled("1", "other");
  Run run(module, "Rests");
  engine::WorkflowTaskInput input;  // it only asks
  input.history = h.history();
  const auto outcome = run->activate(std::move(input));
  CHECK(outcome.failure);
  CHECK_FALSE(outcome.finished);
}

}  // namespace query_test
