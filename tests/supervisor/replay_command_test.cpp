// SPDX-License-Identifier: MIT
#include "supervisor/replay_command.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "temporal/workflow.hpp"
#include "tests/support/captured.hpp"
#include "tests/support/folder.hpp"

using namespace temporal;
using namespace temporal::supervisor;
using temporal::test::Folder;
namespace fs = std::filesystem;

namespace replayed {

struct Echo {
  Task<std::string> run(std::string text) { co_return text; }
};
void fill(Module& m) { m.workflow<Echo>(); }
void throws(Module&) { throw std::runtime_error("no model file"); }

}  // namespace replayed

namespace {

std::string history(const std::string& last_event) {
  return R"({"events": [
    {"eventId": "1", "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
     "workflowExecutionStartedEventAttributes": {"workflowType": {"name": "Echo"},
       "originalExecutionRunId": "r",
       "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "ImhpIg=="}]}}},
    {"eventId": "2", "eventType": "EVENT_TYPE_WORKFLOW_TASK_SCHEDULED",
     "workflowTaskScheduledEventAttributes": {}},
    {"eventId": "3", "eventType": "EVENT_TYPE_WORKFLOW_TASK_STARTED",
     "workflowTaskStartedEventAttributes": {"scheduledEventId": "2"}},
    {"eventId": "4", "eventType": "EVENT_TYPE_WORKFLOW_TASK_COMPLETED",
     "workflowTaskCompletedEventAttributes": {"scheduledEventId": "2", "startedEventId": "3"}},
    {"eventId": "5", )" +
         last_event + "}]}";
}

const std::string kEnded = R"("eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED",
     "workflowExecutionCompletedEventAttributes": {"workflowTaskCompletedEventId": "4"})";
const std::string kSlept = R"("eventType": "EVENT_TYPE_TIMER_STARTED",
     "timerStartedEventAttributes": {"timerId": "1", "startToFireTimeout": "1s",
       "workflowTaskCompletedEventId": "4"})";

struct Result {
  int code;
  std::string out;
  std::string error;
};

Result replay(Options options, ModuleFunction function = &replayed::fill) {
  const std::array<ModuleFunction, 1> own{function};
  const test::Captured said;
  const int code = replay_command(options, own);
  return {code, said.out(), said.error()};
}

}  // namespace

TEST_CASE("histories that fit the code are replayed, with a line for each") {
  const Folder folder;
  const auto one = folder.file("one.json", history(kEnded));
  const auto result = replay({.histories = {one, one}});
  INFO(result.out, result.error);
  CHECK(result.code == kExitStopped);
  const auto line = "replayed  " + one.string() + "  5 events\n";
  CHECK(result.out == line + line);
}

TEST_CASE("a history that does not fit is named, and the others are still replayed") {
  const Folder folder;
  const auto good = folder.file("good.json", history(kEnded));
  const auto bad = folder.file("bad.json", history(kSlept));
  const auto result = replay({.histories = {bad, good}});
  INFO(result.out);
  CHECK(result.code == kExitFatal);
  CHECK(result.out.find("MISMATCH  " + bad.string() + "  [TMPRL1100]") == 0);
  CHECK(result.out.find("replayed  " + good.string()) != std::string::npos);
}

TEST_CASE("a file that is no history is one sentence") {
  const Folder folder;
  for (const auto& path : {folder.file("text.json", "hello"), fs::path("/nowhere/x.json")}) {
    const auto result = replay({.histories = {path}});
    CHECK(result.code == kExitUsage);
    CHECK(result.error.starts_with("temporal-supervisor: "));
    CHECK(result.error.find(path.filename().string()) != std::string::npos);
    CHECK(result.error.find('\n') == result.error.size() - 1);
  }
}

TEST_CASE("histories that are to be fetched from a server that is away are one sentence") {
  for (const Options& where :
       {Options{.task_queue = "q"}, Options{.replay_workflow_id = "w", .replay_run_id = "r"}}) {
    Options options = where;
    options.address = "127.0.0.1:1";  // a port that nobody can listen on without being root
    options.connect_timeout = std::chrono::milliseconds(200);
    const auto result = replay(options);
    CHECK(result.code == kExitUnreachable);
    CHECK(result.error.starts_with("temporal-supervisor: "));
    CHECK(result.error.find("127.0.0.1:1") != std::string::npos);
    CHECK(result.out.empty());
  }
}

TEST_CASE("a module that cannot be loaded is one sentence, before any history is read") {
  const auto missing = replay({.modules = {"/nowhere/m.so"}, .histories = {"x.json"}});
  CHECK(missing.code == kExitModule);
  CHECK(missing.error.find("/nowhere/m.so") != std::string::npos);
  const auto throws = replay({.histories = {"x.json"}}, &replayed::throws);
  CHECK(throws.code == kExitModule);
  CHECK(throws.error == "temporal-supervisor: no model file\n");
}
