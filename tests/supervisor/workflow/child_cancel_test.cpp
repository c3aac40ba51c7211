// SPDX-License-Identifier: MIT
// Children: every way to cancel them.
#include <doctest/doctest.h>

#include <string>

#include "tests/supervisor/workflow/child_test_support.hpp"
#include "tests/support/history_children.hpp"

namespace child_test {

// Cancels on a signal, twice to be sure, and ends on another.
template <OnChildCancel How>
struct CancelOnSignal {
  Task<> run() {
    auto started = workflow::start_child<Resize>({.id = "kid", .on_cancel = How}, "image", 640);
    auto start = workflow::spawn(watch(started, "start"));
    co_await workflow::wait_condition([&] { return stop_; });
    auto result = workflow::spawn(rest(started));
    started.cancel();
    co_await workflow::wait_condition([&] { return end_; });
    co_await start;
    co_await result;
  }
  static Task<> rest(workflow::Future<workflow::Child<std::string, Resize>> started) {
    std::exception_ptr failed;
    try {
      auto child = co_await started;
      child.cancel("enough");
      child.cancel();
      co_await watch(child.result(), "result");
    } catch (const ChildWorkflowError&) {
    }
  }
  void stop() { stop_ = true; }
  void end() { end_ = true; }
  bool stop_ = false;
  bool end_ = false;
};

struct CancelAtOnce {
  Task<> run() {
    auto child = workflow::execute_child<Resize>({.id = "kid"}, "image", 640);
    child.cancel();
    co_await watch(child, "result");
    auto started = workflow::start_child<Resize>({.id = "kid2"}, "image", 640);
    started.cancel();
    co_await watch(started, "start");
  }
};

template <OnChildCancel How>
struct Parent {
  Task<> run() {
    std::exception_ptr cancelled;
    try {
      co_await workflow::execute_child<Resize>({.id = "kid", .on_cancel = How}, "image", 640);
      note(workflow::is_cancelled() ? "done, and cancelled" : "done");
    } catch (const ChildWorkflowError& error) {
      note(outcome_of(error));
      cancelled = std::current_exception();
    }
    if (cancelled) std::rethrow_exception(cancelled);
  }
};

void fill(Module& m) {
  using Completed = CancelOnSignal<OnChildCancel::wait_completed>;
  using Requested = CancelOnSignal<OnChildCancel::wait_requested>;
  using Try = CancelOnSignal<OnChildCancel::try_cancel>;
  using Abandon = CancelOnSignal<OnChildCancel::abandon>;
  const auto add = [&]<class W>(const char* name) {
    m.workflow<W>({.name = name})
        .template signal<&W::stop>({.name = "stop"})
        .template signal<&W::end>({.name = "end"});
  };
  add.operator()<Completed>("completed");
  add.operator()<Requested>("requested");
  add.operator()<Try>("try");
  add.operator()<Abandon>("abandon");
  m.workflow<CancelAtOnce>();
  m.workflow<Parent<OnChildCancel::wait_completed>>({.name = "Parent"});
  m.workflow<Parent<OnChildCancel::abandon>>({.name = "Abandoning"});
}
const TestModule cancelling(fill);

const std::string kCancel = "RequestCancelExternalWorkflowExecution (workflow id 'kid')";

TEST_CASE("X008 a child that is cancelled before it was sent never was") {
  HistoryBuilder h("CancelAtOnce");
  h.task();
  Run run(cancelling, "CancelAtOnce");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"result: Resize/kid cancelled", "start: Resize/kid2 cancelled"});
  h.task_completed();
  h.completed();
  CHECK(replayed(cancelling, h) == "ok");
}

TEST_CASE("X009 whatever a child does after its cancellation, by every way to cancel") {
  struct How {
    const char* type;
    bool asks;
    const char* seen;  ///< null: what the child does
  };
  struct What {
    const char* name;
    void (*happens)(HistoryBuilder&, std::int64_t);
    const char* seen;
  };
  for (const auto& how : {How{"completed", true, nullptr}, How{"requested", true, "cancelled"},
                          How{"try", true, "cancelled"}, How{"abandon", false, "cancelled"}}) {
    for (const auto& what :
         {What{"completed", [](HistoryBuilder&h, std::int64_t id) { child_completed(h, id, "r"); },
               "result r"},
          What{"failed",
               [](HistoryBuilder&h, std::int64_t id) {
                 child_failed(h, id, ApplicationError("no", {.type = "Bad"}));
               },
               "Bad: no"},
          What{"canceled", [](HistoryBuilder&h, std::int64_t id) { child_canceled(h, id); },
               "cancelled"},
          What{"timed out", [](HistoryBuilder&h, std::int64_t id) { child_timed_out(h, id); },
               "timed out"},
          What{"terminated", [](HistoryBuilder&h, std::int64_t id) { child_terminated(h, id); },
               "terminated"}}) {
      CAPTURE(how.type);
      CAPTURE(what.name);
      HistoryBuilder h(how.type);
      h.whole_task();
      const auto child = child_initiated(h, "kid", "Resize");
      child_started(h, child);
      h.signaled("stop");
      h.whole_task();
      if (how.asks) {
        const auto asked = cancel_initiated(h, "kid");
        external_cancel_requested(h, asked);
        h.whole_task();
      }
      what.happens(h, child);
      h.signaled("end");
      h.whole_task();
      h.completed();
      CHECK(replayed(cancelling, h) == "ok");
      std::string seen = how.seen ? how.seen : what.seen;
      if (!seen.starts_with("result")) seen = "result: Resize/kid (run-of-kid) " + seen;
      CHECK(trace() == Lines{"start kid run-of-kid", seen});
    }
  }
}

TEST_CASE("X009, X012: a child is asked once, with the reason given, and only as a child") {
  HistoryBuilder h("completed");
  h.whole_task();
  const auto child = child_initiated(h, "kid", "Resize");
  child_started(h, child);
  h.signaled("stop");
  h.task();
  Run run(cancelling, "completed");
  const auto outcome = run.task(h.history(), 3);
  REQUIRE(commands_of(outcome) == Lines{kCancel});
  const auto& request =
      outcome.commands[0].request_cancel_external_workflow_execution_command_attributes();
  CHECK(request.run_id() == "run-of-kid");
  CHECK(request.child_workflow_only());
  CHECK(request.reason() == "enough");
}

TEST_CASE("X007 a cancellation while the start is pending ends the wait, by every way to cancel") {
  for (const std::string how : {"completed", "requested", "try", "abandon"}) {
    for (const bool found : {true, false}) {
      CAPTURE(how);
      CAPTURE(found);
      HistoryBuilder h(how);
      h.whole_task();
      const auto child = child_initiated(h, "kid", "Resize");
      h.signaled("stop");
      h.whole_task();
      if (how != "abandon") {
        const auto asked = cancel_initiated(h, "kid");
        found ? external_cancel_requested(h, asked) : external_cancel_failed(h, asked);
      }
      child_started(h, child);
      h.whole_task();
      // What came too early for the server is asked again.
      if (!found && (how == "completed" || how == "requested")) {
        const auto again = cancel_initiated(h, "kid");
        external_cancel_requested(h, again);
      }
      child_canceled(h, child);
      h.signaled("end");
      h.whole_task();
      h.completed();
      CHECK(replayed(cancelling, h) == "ok");
      const bool waits = how == "completed" || (how == "requested" && !found);
      CHECK(trace() ==
            (waits ? Lines{"start kid run-of-kid", "result: Resize/kid (run-of-kid) cancelled"}
                   : Lines{"start: Resize/kid cancelled"}));
    }
  }
}

TEST_CASE("X007 a start that fails after its cancellation was asked ends the wait too") {
  for (const std::string how : {"completed", "try"}) {
    CAPTURE(how);
    HistoryBuilder h(how);
    h.whole_task();
    const auto child = child_initiated(h, "kid", "Resize");
    h.signaled("stop");
    h.whole_task();
    external_cancel_failed(h, cancel_initiated(h, "kid"));
    child_start_failed(h, child,
                       enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
    h.signaled("end");
    h.whole_task();
    h.completed();
    CHECK(replayed(cancelling, h) == "ok");
    CHECK(trace() == Lines{how == "try" ? "start: Resize/kid cancelled"
                                        : "start: Resize/kid already started"});
  }
}

TEST_CASE("X010, X012: the parent's cancellation reaches the child, with its reason") {
  HistoryBuilder h("Parent");
  h.whole_task();
  const auto child = child_initiated(h, "kid", "Resize");
  child_started(h, child);
  h.cancel_requested("closing time");
  h.task();
  Run run(cancelling, "Parent");
  const auto outcome = run.task(h.history(), 3);
  REQUIRE(commands_of(outcome) == Lines{kCancel});
  CHECK(outcome.commands[0]
            .request_cancel_external_workflow_execution_command_attributes()
            .reason() == "closing time");
  h.task_completed();
  const auto asked = cancel_initiated(h, "kid");
  external_cancel_requested(h, asked);
  child_canceled(h, child);
  h.task();
  CHECK(commands_of(run.task(h.since(9), 8)) == Lines{"CancelWorkflowExecution"});
  h.task_completed();
  h.canceled();
  CHECK(replayed(cancelling, h) == "ok");
}

TEST_CASE(
    "X011 a child's end and the parent's cancellation in one task: the parent knows of both") {
  HistoryBuilder h("Parent");
  h.whole_task();
  const auto child = child_initiated(h, "kid", "Resize");
  child_started(h, child);
  h.whole_task();
  child_completed(h, child, "r");
  h.cancel_requested();
  h.task();
  Run run(cancelling, "Parent");
  CHECK(commands_of(run.task(h.history(), 8)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"done, and cancelled"});
}

TEST_CASE("X014 an abandoned child is over for its parent at once") {
  HistoryBuilder h("Abandoning");
  h.whole_task();
  const auto child = child_initiated(h, "kid", "Resize");
  child_started(h, child);
  h.cancel_requested();
  h.task();
  Run run(cancelling, "Abandoning");
  CHECK(commands_of(run.task(h.history(), 3)) == Lines{"CancelWorkflowExecution"});
  CHECK(trace() == Lines{"Resize/kid (run-of-kid) cancelled"});
}

}  // namespace child_test
