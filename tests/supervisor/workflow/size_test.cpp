// SPDX-License-Identifier: MIT
// How much memory a run takes, as the engine counts it.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <string>

#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace size_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

constexpr std::size_t kLarge = 100'000;

std::string fetch() { implemented_elsewhere(); }

Task<> hold() {
  std::array<char, kLarge> kept{};
  co_await workflow::sleep(1h);
  kept[0] = 1;
}

// A large frame, until the timer fires.
struct Frames {
  Task<> run() {
    co_await hold();
    co_await workflow::sleep(1h);
  }
};

// A result that is held, and then is not.
struct Results {
  Task<> run() {
    {
      auto result = workflow::execute_activity<fetch>({.start_to_close_timeout = 1s});
      (void)co_await result;
      co_await workflow::sleep(1h);
    }
    co_await workflow::sleep(1h);
  }
};

struct Waits {
  Task<> run() { co_await workflow::sleep(1h); }
};

const TestModule module([](Module& m) {
  m.workflow<Frames>();
  m.workflow<Results>();
  m.workflow<Waits>();
});

}  // namespace size_test

using namespace size_test;

TEST_CASE("R024 a run's frames count while they are there") {
  Run run(module, "Frames");
  CHECK(run->bytes() == 0);
  HistoryBuilder history("Frames");
  const auto first = history.task();
  REQUIRE_FALSE(run.task(history.history()).failure);
  CHECK(run->bytes() > kLarge);
  CHECK(run->bytes() < kLarge + 20'000);
  history.task_completed();
  history.timer_fired(history.timer_started("1"));
  history.task();
  REQUIRE_FALSE(run.task(history.since(first + 1), first).failure);
  CHECK(run->bytes() < 20'000);
}

TEST_CASE("R024 a result counts for as long as somebody holds it") {
  Run run(module, "Results");
  HistoryBuilder history("Results");
  auto started = history.task();
  REQUIRE_FALSE(run.task(history.history()).failure);
  const auto waiting = run->bytes();
  history.task_completed();
  history.activity_completed(history.activity_scheduled("1", "fetch"), std::string(kLarge, 'x'));
  auto previous = started;
  started = history.task();
  REQUIRE_FALSE(run.task(history.since(previous + 1), previous).failure);
  CHECK(run->bytes() > kLarge);
  history.task_completed();
  history.timer_fired(history.timer_started("1"));
  previous = started;
  started = history.task();
  REQUIRE_FALSE(run.task(history.since(previous + 1), previous).failure);
  CHECK(run->bytes() < waiting + 5'000);
}

TEST_CASE("R024 signals that nobody handles count") {
  Run run(module, "Waits");
  HistoryBuilder history("Waits");
  history.signaled("unknown", std::string(kLarge, 'x'));
  history.task();
  REQUIRE_FALSE(run.task(history.history()).failure);
  CHECK(run->bytes() > kLarge);
}
