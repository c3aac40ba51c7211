// SPDX-License-Identifier: MIT
// Signals and cancellations that go to any workflow, by its id.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"
#include "tests/support/history_children.hpp"

namespace external_test {

using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

struct Subscription {
  Task<> run() { co_return; }
  void cancel(std::string, int) {}
};

std::string reason_of(const ExternalWorkflowError& error) {
  using Reason = ExternalWorkflowError::Reason;
  const std::string kind = error.reason() == Reason::not_found          ? "not found: "
                           : error.reason() == Reason::too_many_signals ? "too many: "
                                                                        : "?: ";
  return kind + error.workflow_id() + ": " + error.message();
}

struct Signals {
  Task<> run() {
    const std::string customer = "ada";
    try {
      co_await workflow::external("subscription-" + customer, "a-run")
          .signal<&Subscription::cancel>("too dear", 3);
      note("signalled");
    } catch (const ExternalWorkflowError& error) {
      note(reason_of(error));
    }
    co_await workflow::external("other").signal("named");
  }
};

struct Cancels {
  Task<> run() {
    try {
      co_await workflow::external("other").cancel("no longer needed");
      note("asked");
    } catch (const ExternalWorkflowError& error) {
      note(reason_of(error));
    }
  }
};

struct CancelAtOnce {
  Task<> run() {
    auto signal = workflow::external("other").signal("named");
    signal.cancel();
    try {
      co_await signal;
    } catch (const Cancelled& cancelled) {
      note(cancelled.message());
    }
  }
};

struct CancelLater {
  Task<> run() {
    co_await workflow::external("other").signal("named");
    note("signalled");
  }
};

struct Wrong {
  Task<> run() {
    attempt([] { note(workflow::external("").signal("x").ready() ? "?" : "?"); });
    attempt([] { note(workflow::external("x").signal("").ready() ? "?" : "?"); });
    attempt([] { note(workflow::external("").cancel().ready() ? "?" : "?"); });
    co_return;
  }
  static void attempt(void (*call)()) {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      note(error.what());
    }
  }
};

const TestModule module([](Module& m) {
  m.workflow<Signals>();
  m.workflow<Cancels>();
  m.workflow<CancelAtOnce>();
  m.workflow<CancelLater>();
  m.workflow<Wrong>();
});

TEST_CASE("A16: a signal goes to another workflow, by id and run") {
  HistoryBuilder h("Signals");
  h.task();
  Run run(module, "Signals");
  const auto outcome = run.task(h.history());
  REQUIRE(commands_of(outcome) ==
          Lines{"SignalExternalWorkflowExecution (signal 'cancel', workflow id "
                "'subscription-ada')"});
  const auto& signal = outcome.commands[0].signal_external_workflow_execution_command_attributes();
  CHECK(signal.execution().run_id() == "a-run");
  CHECK_FALSE(signal.child_workflow_only());
  CHECK(signal.input().payloads(0).data() == R"("too dear")");
  CHECK(signal.input().payloads(1).data() == "3");
  h.task_completed();
  external_signaled(h, signal_initiated(h, "subscription-ada", "cancel"));
  h.task();
  CHECK(commands_of(run.task(h.since(4), 3)) ==
        Lines{"SignalExternalWorkflowExecution (signal 'named', workflow id 'other')"});
  CHECK(trace() == Lines{"signalled"});
  h.task_completed();
  external_signaled(h, signal_initiated(h, "other", "named"));
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("X015 a signal that reaches nobody fails with its reason") {
  struct Case {
    enums::SignalExternalWorkflowExecutionFailedCause cause;
    const char* says;
  };
  for (
      const auto& one :
      {Case{
           enums::
               SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND,
           "not found: missing: workflow 'missing' could not be signalled: no such workflow "
           "runs"},
       Case{enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_SIGNAL_COUNT_LIMIT_EXCEEDED,
            "too many: missing: workflow 'missing' could not be signalled: it has as many "
            "signals as the server allows"}}) {
    HistoryBuilder h("Signals");
    h.whole_task();
    external_signal_failed(h, signal_initiated(h, "subscription-ada", "cancel"), one.cause);
    h.whole_task();
    signal_initiated(h, "other", "named");
    CHECK(replayed(module, h) == "ok");
    CHECK(trace() == Lines{one.says});
  }
}

TEST_CASE("X016 a signal that is cancelled before it was sent never was") {
  HistoryBuilder h("CancelAtOnce");
  h.task();
  Run run(module, "CancelAtOnce");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"the signal was cancelled before it was sent"});
}

TEST_CASE("a signal that is on its way is not cancelled with the workflow") {
  HistoryBuilder h("CancelLater");
  h.whole_task();
  const auto signal = signal_initiated(h, "other", "named");
  h.cancel_requested();
  h.task();
  Run run(module, "CancelLater");
  CHECK(run.task(h.history(), 3).commands.empty());
  h.task_completed();
  external_signaled(h, signal);
  h.task();
  CHECK(commands_of(run.task(h.since(9), 8)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"signalled"});
}

TEST_CASE(
    "X017, X012: another workflow is asked to stop, with a reason; a missing one is an error") {
  for (const bool there : {true, false}) {
    HistoryBuilder h("Cancels");
    h.task();
    Run run(module, "Cancels");
    const auto outcome = run.task(h.history());
    REQUIRE(commands_of(outcome) ==
            Lines{"RequestCancelExternalWorkflowExecution (workflow id 'other')"});
    const auto& request =
        outcome.commands[0].request_cancel_external_workflow_execution_command_attributes();
    CHECK_FALSE(request.child_workflow_only());
    CHECK(request.reason() == "no longer needed");
    h.task_completed();
    const auto asked = cancel_initiated(h, "other");
    there ? external_cancel_requested(h, asked) : external_cancel_failed(h, asked);
    h.task();
    CHECK(commands_of(run.task(h.since(4), 3)) == Lines{"CompleteWorkflowExecution"});
    CHECK(trace() == Lines{there ? "asked"
                                 : "not found: missing: workflow 'missing' could not be cancelled: "
                                   "no such workflow runs"});
    h.task_completed();
    h.completed();
    CHECK(replayed(module, h) == "ok");
  }
}

TEST_CASE("another target or signal than history has is nondeterminism") {
  const auto at_event_5 = "[TMPRL1100] Nondeterminism at event 5";
  for (const auto& [id, name] : {std::pair("nobody", "named"), std::pair("other", "unnamed")}) {
    HistoryBuilder h("CancelLater");
    h.whole_task();
    signal_initiated(h, id, name);
    CHECK(contains(replayed(module, h), at_event_5));
  }
  HistoryBuilder h("Cancels");
  h.whole_task();
  cancel_initiated(h, "nobody");
  CHECK(contains(replayed(module, h), at_event_5));
}

TEST_CASE("ids and names must not be empty") {
  HistoryBuilder h("Wrong");
  h.task();
  Run run(module, "Wrong");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"workflow::external().signal: a workflow id is needed",
                         "workflow::external().signal: a signal needs a name",
                         "workflow::external().cancel: a workflow id is needed"});
}

}  // namespace external_test
