// SPDX-License-Identifier: MIT
// The C++ counterparts of recorded workflows that have children, signal others, or say something of
// themselves.
#pragma once

#include "tests/supervisor/workflow/corpus_workflows.hpp"

namespace corpus {

struct UpsertsAttributes {
  static constexpr KeywordKey kKey{"CustomStringField"};
  Task<> run() {
    workflow::upsert_search_attributes(kKey.set("test"));
    co_await call("helloworldActivity");
    workflow::upsert_search_attributes(kKey.set("Hello test!"));
  }
};

struct UpsertsMemo {
  Task<> run() {
    co_await call("helloworldActivity");
    workflow::upsert_memo("Test key", "Hello test!");
  }
};

struct SignalsItsChild {
  Task<> run() {
    auto child = co_await workflow::start_child(
        "testReplayWorkflowFromFile",
        {.id = "child_workflow:0ea65eda-a0db-4a59-bef3-dce48e8484f8"});
    co_await child.signal("test-signal");
    co_await child.result();
  }
};

struct DuplicateChild {
  Task<> run() {
    auto child = co_await workflow::start_child("ChildWorkflowWaitOnSignal",
                                                {.id = "ABC-SIMPLE-CHILD-WORKFLOW-ID"});
    co_await workflow::sleep(1s);
    co_await workflow::sleep(1s);
    co_await workflow::external(child.id(), child.run_id()).signal("unblock");
    co_await child.result();
  }
};

struct ReadsItsChild {
  Task<std::string> run() {
    auto text = co_await workflow::execute_child<std::string>("MemoChildWorkflowJSON", {});
    workflow::upsert_memo("parent-memo-key", "parent-test-value");
    co_return text;
  }
};

struct HasChild {
  Task<std::string> run() {
    co_return co_await workflow::execute_child<std::string>("TestChildWorkflow", {});
  }
};

struct ApprovesItsChild {
  Task<> run() {
    auto child = co_await workflow::start_child("topSecretGreetingChild",
                                                {.id = "ec7c1204-b5cf-4882-8bb2-87b184bd202b"});
    auto signal = child.signal("approve");
    auto timer = workflow::sleep(1ms);
    co_await signal;
    co_await child.result();
    co_await timer;
  }
};

struct ChildFails {
  Task<> run() { co_await workflow::execute_child("ITestChild", {}); }
};

// Goes on with what this engine does not have.
struct ChildIsCancelled {
  Task<> run() {
    try {
      co_await workflow::execute_child("TestWorkflowReturnString", {});
    } catch (const ChildWorkflowError& error) {
      if (!is_cancelled(error)) throw;
    }
    co_await workflow::wait_condition([] { return false; });
  }
};

}  // namespace corpus
