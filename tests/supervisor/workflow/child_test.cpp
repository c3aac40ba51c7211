// SPDX-License-Identifier: MIT
// Children: every way to start and to end, and what is compared.
#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/supervisor/workflow/child_test_support.hpp"
#include "tests/support/history_children.hpp"

namespace child_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

struct Plain {
  Task<std::string> run() {
    co_return co_await workflow::execute_child<Resize>({.id = "kid"}, "image", 640);
  }
};

struct Watched {
  Task<> run() {
    auto started = workflow::start_child<Resize>({.id = "kid"}, "image", 640);
    auto start = workflow::spawn(watch(started, "start"));
    auto child = co_await started;
    co_await watch(child.result(), "result");
    co_await start;
  }
};

// As Watched, but does not leave when the start fails.
struct Tolerant {
  Task<> run() {
    co_await watch(workflow::start_child<Resize>({.id = "kid"}, "image", 640), "start");
    co_await watch(workflow::execute_child<std::string>("Audit", {.id = "other"}), "result");
  }
};

struct Signals {
  Task<> run() {
    auto child = co_await workflow::start_child<Resize>({.id = "kid"}, "image", 640);
    auto first = child.signal<&Resize::faster>(3);
    co_await child.signal("slower", 1, "please");
    co_await first;
    co_await child.result();
    child.cancel();
  }
};

struct Options {
  Task<> run() {
    const Memo memo = Memo().set("note", "m").set("none", nullptr);
    const SearchAttributes attributes(KeywordKey{"Customer"}.set("ada"), IntKey{"Gone"}.unset());
    co_await workflow::execute_child(
        "Audit", {.id = "kid",
                  .task_queue = "elsewhere",
                  .execution_timeout = 30s,
                  .run_timeout = 20s,
                  .task_timeout = 5s,
                  .retry = {.maximum_attempts = 3},
                  .cron_schedule = "@daily",
                  .id_reuse = IdReuse::reject_duplicate,
                  .parent_close = ParentClose::request_cancel,
                  .memo = &memo,
                  .search_attributes = &attributes,
                  .priority = {.key = 2, .fairness_key = "tenant", .fairness_weight = 0.5},
                  .summary = "a summary",
                  .details = "details"});
  }
};

struct Nameless {
  Task<> run() {
    for (int i = 0; i < 100; ++i) futures_.push_back(workflow::execute_child("Audit", {}));
    co_await workflow::all(futures_);
  }
  std::vector<workflow::Future<>> futures_;
};

struct Wrong {
  Task<> run() {
    attempt("", {});
    attempt("Audit", {.execution_timeout = -1s});
    attempt("Audit", {.run_timeout = -1s});
    attempt("Audit", {.task_timeout = -1s});
    attempt("Audit", {.retry = {.backoff_coefficient = 0.5}});
    attempt("Audit", {.priority = {.key = -1}});
    co_return;
  }
  static void attempt(std::string_view type, const ChildOptions& options) {
    try {
      note(workflow::execute_child(type, options).ready() ? "?" : "?");
    } catch (const std::invalid_argument& error) {
      note(error.what());
    }
  }
};

const TestModule module([](Module& m) {
  m.workflow<Plain>();
  m.workflow<Watched>();
  m.workflow<Tolerant>();
  m.workflow<Signals>();
  m.workflow<Options>();
  m.workflow<Nameless>();
  m.workflow<Wrong>();
});

const std::string kStart = "StartChildWorkflowExecution (workflow id 'kid', type 'Resize')";

TEST_CASE("A7: a child starts, and its result comes") {
  HistoryBuilder h("Watched");
  h.task();
  Run run(module, "Watched");
  const auto outcome = run.task(h.history());
  REQUIRE(commands_of(outcome) == Lines{kStart});
  const auto& start = outcome.commands[0].start_child_workflow_execution_command_attributes();
  CHECK(start.input().payloads(0).data() == R"("image")");
  CHECK(start.input().payloads(1).data() == "640");
  CHECK(start.task_queue().name() == "queue");
  CHECK(start.parent_close_policy() == enums::PARENT_CLOSE_POLICY_TERMINATE);
  h.task_completed();
  const auto child = child_initiated(h, "kid", "Resize");
  child_started(h, child);
  h.task();
  CHECK(run.task(h.since(4), 3).commands.empty());
  CHECK(trace() == Lines{"start kid run-of-kid"});
  h.task_completed();
  child_completed(h, child, "small");
  h.task();
  CHECK(commands_of(run.task(h.since(9), 8)) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"start kid run-of-kid", "result small"});
  h.task_completed();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("X003, X004: a child's failures keep their kind, and the parent goes on") {
  struct Case {
    void (*happens)(HistoryBuilder&, std::int64_t);
    const char* seen;
  };
  for (const auto& one :
       {Case{[](HistoryBuilder&h, std::int64_t child) {
               child_failed(h, child, ApplicationError("no", {.type = "Bad"}));
             },
             "Bad: no"},
        Case{[](HistoryBuilder&h, std::int64_t child) { child_canceled(h, child); }, "cancelled"},
        Case{[](HistoryBuilder&h, std::int64_t child) { child_timed_out(h, child); }, "timed out"},
        Case{[](HistoryBuilder&h, std::int64_t child) { child_terminated(h, child); },
             "terminated"}}) {
    CAPTURE(one.seen);
    HistoryBuilder h("Watched");
    h.whole_task();
    const auto child = child_initiated(h, "kid", "Resize");
    child_started(h, child);
    h.whole_task();
    one.happens(h, child);
    h.whole_task();
    h.completed();
    CHECK(replayed(module, h) == "ok");
    CHECK(trace().back() == std::string("result: Resize/kid (run-of-kid) ") + one.seen);
  }
}

TEST_CASE("X002, X019: a child that does not start says why, to both futures") {
  HistoryBuilder h("Tolerant");
  h.whole_task();
  const auto child = child_initiated(h, "kid", "Resize");
  child_start_failed(h, child,
                     enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  h.whole_task();
  const auto other = child_initiated(h, "other", "Audit");
  child_start_failed(h, other,
                     enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND);
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"start: Resize/kid already started",
                         "result: Audit/other START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_"
                         "NAMESPACE_NOT_FOUND"});
}

TEST_CASE("X005, X018: signals to a child name it, and a finished child is not cancelled") {
  HistoryBuilder h("Signals");
  h.whole_task();
  const auto child = child_initiated(h, "kid", "Resize");
  child_started(h, child);
  h.task();
  Run run(module, "Signals");
  const auto outcome = run.task(h.history(), 3);
  REQUIRE(commands_of(outcome) ==
          Lines{"SignalExternalWorkflowExecution (signal 'faster', workflow id 'kid')",
                "SignalExternalWorkflowExecution (signal 'slower', workflow id 'kid')"});
  const auto& first = outcome.commands[0].signal_external_workflow_execution_command_attributes();
  CHECK(first.child_workflow_only());
  CHECK(first.input().payloads(0).data() == "3");
  const auto& second = outcome.commands[1].signal_external_workflow_execution_command_attributes();
  CHECK(second.input().payloads(1).data() == R"("please")");
  h.task_completed();
  const auto faster = signal_initiated(h, "kid", "faster");
  const auto slower = signal_initiated(h, "kid", "slower");
  external_signaled(h, slower);
  external_signaled(h, faster);
  child_completed(h, child, "r");
  h.task();
  CHECK(commands_of(run.task(h.since(9), 8)) == Lines{"CompleteWorkflowExecution"});
  h.task_completed();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("X020 every option is in the command") {
  HistoryBuilder h("Options");
  h.task();
  Run run(module, "Options");
  const auto outcome = run.task(h.history());
  REQUIRE(outcome.commands.size() == 1);
  const auto& command = outcome.commands[0];
  const auto& start = command.start_child_workflow_execution_command_attributes();
  CHECK(start.workflow_id() == "kid");
  CHECK(start.task_queue().name() == "elsewhere");
  CHECK(start.workflow_execution_timeout().seconds() == 30);
  CHECK(start.workflow_run_timeout().seconds() == 20);
  CHECK(start.workflow_task_timeout().seconds() == 5);
  CHECK(start.retry_policy().maximum_attempts() == 3);
  CHECK(start.cron_schedule() == "@daily");
  CHECK(start.workflow_id_reuse_policy() == enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
  CHECK(start.parent_close_policy() == enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL);
  CHECK(start.memo().fields().size() == 1);
  CHECK(start.memo().fields().at("note").data() == R"("m")");
  CHECK(start.search_attributes().indexed_fields().size() == 1);
  CHECK(start.search_attributes().indexed_fields().at("Customer").metadata().at("type") ==
        "Keyword");
  CHECK(start.priority().priority_key() == 2);
  CHECK(start.priority().fairness_key() == "tenant");
  CHECK(start.priority().fairness_weight() == 0.5F);
  CHECK(command.user_metadata().summary().data() == R"("a summary")");
  CHECK(command.user_metadata().details().data() == R"("details")");
}

TEST_CASE("X022 another id or type than history has is nondeterminism, unless no flag says so") {
  const auto with = [](const char* id, const char* type, bool flags) {
    HistoryBuilder h("Plain");
    const auto whole_task = [&] {
      h.task();
      flags ? void(h.task_completed()) : void(h.task_completed_bare());
    };
    whole_task();
    const auto child = child_initiated(h, id, type);
    child_started(h, child);
    child_completed(h, child, "r");
    whole_task();
    h.completed();
    return replayed(module, h);
  };
  CHECK(with("kid", "Resize", true) == "ok");
  for (const auto& [id, type] : {std::pair("kid2", "Resize"), std::pair("kid", "Shrink")}) {
    const auto said = with(id, type, true);
    CHECK(contains(said, "[TMPRL1100] Nondeterminism at event 5"));
    CHECK(contains(said, "the code issued " + kStart));
    CHECK(with(id, type, false) == "ok");
  }
}

TEST_CASE("X023, X025: a hundred children without ids have one each, the same on replay") {
  HistoryBuilder h("Nameless");
  h.task();
  Run run(module, "Nameless");
  const auto outcome = run.task(h.history());
  std::set<std::string> ids;
  h.task_completed();
  for (const auto& command : outcome.commands) {
    const auto& id = command.start_child_workflow_execution_command_attributes().workflow_id();
    CHECK(id.size() == 36);
    ids.insert(id);
    child_initiated(h, id, "Audit");
  }
  CHECK(ids.size() == 100);
  for (std::int64_t child = 5; child < 105; ++child) {
    child_started(h, child);
    child_completed(h, child, nullptr);
  }
  h.whole_task();
  h.completed();
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("what no server would take is refused where the child is started") {
  HistoryBuilder h("Wrong");
  h.task();
  Run run(module, "Wrong");
  CHECK(commands_of(run.task(h.history())) == Lines{"CompleteWorkflowExecution"});
  CHECK(trace() == Lines{"child workflow '': a workflow needs a name",
                         "child workflow Audit: execution_timeout must not be negative",
                         "child workflow Audit: run_timeout must not be negative",
                         "child workflow Audit: task_timeout must not be negative",
                         "child workflow Audit: backoff_coefficient must be at least 1",
                         "child workflow Audit: priority.key must not be negative"});
}

}  // namespace child_test
