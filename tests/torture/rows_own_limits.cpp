// SPDX-License-Identifier: MIT
// The limits of one activity, in a child that serves others as well.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

TEST_CASE("row 7: memory beyond the activity's limit is refused, and its child replaced after it") {
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    const int times_over = times(3, 50);
    for (int i = 0; i < times_over; ++i) {
      const auto over = co_await row.fixture().call("take_memory", 512);
      CHECK(type_of(over) == "std::bad_alloc");
      CHECK_FALSE(failure(over).application_failure_info().non_retryable());
      CHECK(std::holds_alternative<Failed>(over));  // its process answered
      row.expect("recycled");
      co_await until_full(row.fixture(), row.children());
      const auto within = co_await row.fixture().call("take_memory", 16);
      CHECK(result<int>(within) > 0);
      // Nobody else is bound by it.
      const auto unbound = co_await row.fixture().call("take_as_much_as_there_is", 512);
      CHECK(result<int>(unbound) > 0);
    }
    row.count(std::to_string(times_over) + " refusals");
  });
}

TEST_CASE("row 9: CPU time beyond the activity's limit ends its process, as ActivityCpuLimit") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    Running running(row.io());
    running.start(row.fixture(), "use_up_cpu");
    co_await running.until_beaten();
    co_await running.until_ended();
    row.expect("cpu_limit");
    CHECK(type_of(*running.outcome) == "ActivityCpuLimit");
    CHECK_FALSE(failure(*running.outcome).application_failure_info().non_retryable());
    CHECK_FALSE(std::get<Died>(*running.outcome).killed_here);
    CHECK(details_of(*running.outcome)["signal"] == SIGXCPU);
    CHECK(running.take()->details == "1");
    row.count("1 process");
  });
}

TEST_CASE("an activity's limits hold for its task, and for no other of the same child") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto pid = row.victims();
    const auto before = co_await row.fixture().call("soft_limits");
    const auto bound = co_await row.fixture().call("open_many", 20);
    CHECK(result<int>(bound) == 5);
    const auto unbound = co_await row.fixture().call("open_many_without_limit", 20);
    CHECK(result<int>(unbound) == 20);
    const auto after = co_await row.fixture().call("soft_limits");
    CHECK(result<std::string>(after) == result<std::string>(before));
    CHECK(row.victims() == pid);
  });
}

TEST_CASE("a task's own term_grace is the time from SIGTERM to SIGKILL") {
  auto options = torture_options(2);
  options.child.term_grace = 1h;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    Running running(row.io());
    running.handle.term_grace = 100ms;
    running.start(row.fixture(), "loop_deaf", "swallowed"s);
    co_await running.until_beaten();
    running.handle.terminate(KillReason::timed_out);
    row.expect("timed_out");
    co_await running.until_ended();
    CHECK(std::get<Died>(*running.outcome).killed_here);
    CHECK(row.pool().counts().of_children.kills == 1);
  });
}
