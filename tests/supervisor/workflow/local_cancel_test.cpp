// SPDX-License-Identifier: MIT
// Local activities that are cancelled when it is nearly too late, and side effects that do what they must not.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/supervisor/workflow/local_test_support.hpp"

using namespace temporal;
using namespace temporal::testing;
using namespace std::chrono_literals;

namespace local_cancel_workflows {

std::string look_up(std::string key) { return key; }

// Cancels the second when the first has ended.
struct CancelsSecond {
  Task<> run() {
    auto first = workflow::execute_local_activity<look_up>({.start_to_close_timeout = 10s}, "a");
    auto second = workflow::execute_local_activity<look_up>({.start_to_close_timeout = 10s}, "b");
    co_await first;
    second.cancel();
    try {
      co_await second;
    } catch (const ActivityError& error) {
      note(is_cancelled(error) ? "cancelled" : error.cause()->message());
    }
    co_await workflow::sleep(1h);
  }
};

// Leaves one before anybody could start it; another keeps the task open.
struct LeavesAtOnce {
  Task<> run() {
    auto kept = workflow::execute_local_activity<look_up>({.start_to_close_timeout = 10s}, "a");
    auto left = workflow::execute_local_activity<look_up>(
        {.start_to_close_timeout = 10s, .on_cancel = OnCancel::abandon}, "b");
    left.cancel();
    co_await kept;
    co_await workflow::sleep(1h);
  }
};

struct SleepsInSideEffect {
  Task<> run() {
    co_await workflow::side_effect([] {
      auto timer = workflow::sleep(1s);
      return 1;
    });
  }
};

void fill(Module& m) {
  m.workflow<CancelsSecond>();
  m.workflow<LeavesAtOnce>();
  m.workflow<SleepsInSideEffect>();
}
const TestModule module(fill);

}  // namespace local_cancel_workflows

using namespace local_cancel_workflows;

TEST_CASE("O009: one that is cancelled after its last attempt has failed is not tried again") {
  HistoryBuilder h("CancelsSecond");
  h.task();
  Run run(module, "CancelsSecond");
  (void)run.task(h.history());
  const auto asked = run->resolve(returned(1, "a"));
  REQUIRE(asked.local_cancels.size() == 1);
  CHECK(asked.waits);
  auto late = failed(2, ApplicationError("not now"));
  late.backoff = 90s;  // it was on its way already
  const auto done = run->resolve(std::move(late));
  CHECK(failure_of(done).empty());
  CHECK_FALSE(done.waits);
  CHECK(trace() == Lines{"cancelled"});
  REQUIRE(done.commands.size() == 3);  // two markers, and the workflow's own timer
  CHECK(done.commands[2].start_timer_command_attributes().start_to_fire_timeout().seconds() ==
        3600);
  record(h, done);
  CHECK(replayed(module, h) == "ok");
  CHECK(trace() == Lines{"cancelled"});
}

TEST_CASE("O009: one that is left before it was handed out is never run") {
  HistoryBuilder h("LeavesAtOnce");
  h.task();
  Run run(module, "LeavesAtOnce");
  const auto asked = run.task(h.history());
  CHECK(calls_of(asked) == Lines{"1 look_up"});
  CHECK(asked.local_cancels.empty());
  const auto done = run->resolve(returned(1, "a"));
  CHECK(failure_of(done).empty());
  record(h, done);
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE(
    "a side effect that asks for something to happen fails the task: it is a mistake, no result") {
  HistoryBuilder h("SleepsInSideEffect");
  h.task();
  Run run(module, "SleepsInSideEffect");
  const auto outcome = run.task(h.history());
  CHECK(contains(failure_of(outcome), "a side effect must only look"));
  CHECK(outcome.commands.empty());
}
