// SPDX-License-Identifier: MIT
// Forgetting a run: frames go innermost first, nothing is resumed, and what destructors ask for
// does not happen.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace eviction_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int work() { implemented_elsewhere(); }

struct Noisy {
  std::string name;
  ~Noisy() { note("~" + name); }
};

Task<> inner() {
  const Noisy noisy{"inner"};
  co_await workflow::sleep(1h);
}

struct Nested {
  Task<> run() {
    const Noisy noisy{"outer"};
    try {
      co_await inner();
    } catch (...) {
      note("caught");  // T-84: an eviction is no exception
    }
    note("resumed");
  }
  const Noisy member_{"object"};
};

Task<> sink_deep(int left) {
  if (left == 0) {
    co_await workflow::sleep(1h);
    co_return;
  }
  co_await sink_deep(left - 1);
}

struct Deep {
  Task<> run() { co_await sink_deep(100'000); }
};

// T-83: asks for everything while it is destroyed.
struct Asks {
  ~Asks() {
    (void)workflow::sleep(1s);
    (void)workflow::execute_activity<work>({});
    (void)workflow::wait_condition([] { return false; });
    (void)workflow::spawn(inner());
    auto task = inner();
    note("asked " + workflow::info().workflow_id + " " + std::to_string(workflow::uuid4().size()));
    workflow::log().info("never seen");
  }
};

struct AsksAtTheEnd {
  Task<> run() {
    const Asks asks;
    co_await workflow::sleep(1h);
  }
};

// A future that outlives its run.
std::optional<workflow::Future<>>& leaked() {
  static std::optional<workflow::Future<>> future;
  return future;
}

struct Leaks {
  Task<> run() {
    leaked() = workflow::sleep(1h);
    co_await *leaked();
  }
};

struct Moves {
  Task<int> run() {
    co_await workflow::sleep(1s);
    co_await workflow::sleep(1s);
    co_return 7;
  }
};

struct PassesTasks {
  Task<> run() { co_await outer(inner(), inner()); }
  static Task<> outer(Task<> first, Task<> second) {
    co_await std::move(first);
    co_await std::move(second);
  }
};

void fill(Module& m) {
  m.workflow<Nested>();
  m.workflow<Deep>();
  m.workflow<AsksAtTheEnd>();
  m.workflow<Leaks>();
  m.workflow<Moves>();
  m.workflow<PassesTasks>();
}
const TestModule module(fill);

engine::TaskOutcome begin(Run& run, const std::string& type) {
  HistoryBuilder h(type);
  h.task();
  return run.task(h.history());
}

TEST_CASE("L024 eviction destroys from the inside out and resumes nothing") {
  {
    Run run(module, "Nested");
    CHECK(failure_of(begin(run, "Nested")) == "");
    CHECK(trace().empty());
  }
  CHECK(trace() == Lines{"~inner", "~outer", "~object"});
}

TEST_CASE("L029 100,000 nested suspended coroutines are destroyed on a constant stack") {
  Run run(module, "Deep");
  CHECK(commands_of(begin(run, "Deep")) == Lines{"StartTimer (timer id '1')"});
}

TEST_CASE("T-83: what destructors ask for during an eviction does not happen") {
  Lines logged;
  {
    Run run(module, "AsksAtTheEnd",
            [&](const auto&, LogLevel, std::string_view text, const LogFields&) {
              logged.emplace_back(text);
            });
    CHECK(failure_of(begin(run, "AsksAtTheEnd")) == "");
  }
  CHECK(trace() == Lines{"asked the-workflow 36"});
  CHECK(logged.empty());
  CHECK_THROWS_AS((void)workflow::info(), std::logic_error);
}

TEST_CASE("a future that outlives its run has nothing left to cancel") {
  {
    Run run(module, "Leaks");
    CHECK(failure_of(begin(run, "Leaks")) == "");
  }
  CHECK_FALSE(leaked()->ready());
  leaked()->cancel();
  leaked().reset();
}

TEST_CASE("coroutines that hold coroutines which never ran are evicted too") {
  Run run(module, "PassesTasks");
  CHECK(failure_of(begin(run, "PassesTasks")) == "");
}

TEST_CASE("a run moves between threads from task to task") {
  HistoryBuilder h("Moves");
  h.task();
  Run run(module, "Moves");
  std::thread([&] { CHECK(failure_of(run.task(h.history())) == ""); }).join();
  h.task_completed();
  h.timer_fired(h.timer_started("1"));
  h.task();
  std::thread([&] { CHECK(failure_of(run.task(h.since(4), 3)) == ""); }).join();
  h.task_completed();
  h.timer_fired(h.timer_started("2"));
  h.task();
  CHECK(commands_of(run.task(h.since(9), 8)) == Lines{"CompleteWorkflowExecution"});
}

}  // namespace eviction_test
