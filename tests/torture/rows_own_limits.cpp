// SPDX-License-Identifier: MIT
// The limits of one activity, in a child that serves others as well.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iterator>
#include <sstream>

#include "tests/support/cgroup_folder.hpp"
#include "tests/torture/invariants.hpp"
#include "tests/torture/memory_group.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

}  // namespace

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

TEST_CASE(
    "row 8: who is killed because its cgroup has no memory left is named so, and nobody else") {
  const auto group = MemoryGroup::enter(std::size_t{256} << 20);
  if (!group) {
    MESSAGE("skipped: row 8, no cgroup with a limit of its own may be made here");
    return;
  }
  Invariants row(torture_options(1), {.longest_hold = 2s});  // all of it is short of memory
  row.hold([&]() -> asio::awaitable<void> {
    const int times_over = times(2, 20);
    for (int i = 0; i < times_over; ++i) {
      const auto over = co_await row.fixture().call("take_as_much_as_there_is", 1024);
      row.expect("out_of_memory");
      CHECK(type_of(over) == "ActivityProcessOutOfMemory");
      CHECK_FALSE(failure(over).application_failure_info().non_retryable());
      CHECK_FALSE(std::get<Died>(over).killed_here);
      co_await until_full(row.fixture(), row.children());
      Running killed(row.io());
      killed.start(row.fixture(), "loop_deaf", "swallowed"s);
      co_await killed.until_beaten();
      ::kill(killed.handle.pid(), SIGKILL);
      row.expect("killed");
      co_await killed.until_ended();
      CHECK(type_of(*killed.outcome) == "ActivityProcessKilled");
      co_await until_full(row.fixture(), row.children());
    }
    row.count(std::to_string(times_over) + " kills by the kernel");
  });
}

TEST_CASE("row 8: what an activity starts is held to the activity's limit with it, by a cgroup") {
  const auto folder = temporal::test::CgroupFolder::make();
  if (!folder) {
    std::printf("counts: no cgroup (version 2) for limits of their own\n");
    return;
  }
  const auto cgroups = DelegatedCgroup::below(folder->path());
  auto options = torture_options(2);
  options.child.cgroups = cgroups;
  Invariants row(std::move(options), {.longest_hold = 2s, .loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    const int times_over = times(5, 200);
    for (int i = 0; i < times_over; ++i) {
      AttemptHandle bound;
      bound.memory = std::size_t{100} << 20;
      const auto over = co_await row.fixture().call_with(bound, "share_memory", 40, 3);
      row.expect("out_of_memory");
      CHECK(type_of(over) == "ActivityProcessOutOfMemory");
      CHECK(details_of(over)["memory_peak_kb"].get<int>() >= 100 * 1024);
      // Nobody else is bound by it.
      const auto unbound = co_await row.fixture().call("share_memory_freely", 40, 3);
      CHECK(result<int>(unbound) == 3);
      co_await until_full(row.fixture(), row.children());
    }
    row.count(std::to_string(times_over) + " kills by an own limit");
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

TEST_CASE("a task's own niceness is its own, where what was added may be taken back") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto pid = row.victims();
    const auto before = co_await row.fixture().call("soft_limits");
    const auto within = co_await row.fixture().call("limits_in_between");
    const auto usual = words_of(result<std::string>(before));
    const auto own = words_of(result<std::string>(within));
    CHECK(own[3] == "77");
    CHECK(std::stoi(own[4]) == std::stoi(usual[4]) + 2);
    CHECK(std::stoi(own[5]) == std::min(std::stoi(usual[5]) + 100, 1000));
    if (!niceness_can_be_taken_back()) {
      row.expect("recycled");
      co_return;
    }
    const auto after = co_await row.fixture().call("soft_limits");
    CHECK(result<std::string>(after) == result<std::string>(before));
    CHECK(row.victims() == pid);
  });
}

TEST_CASE("a child that may not be as quick again as it was leaves after the task") {
  auto options = torture_options(1);
  if (!give_to_nobody(options)) return;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    const auto before = co_await row.fixture().call("soft_limits");
    for (int i = 0; i < 3; ++i) {
      const auto within = co_await row.fixture().call("limits_in_between");
      CHECK(result<std::string>(within) != result<std::string>(before));
      row.expect("recycled");
      const auto after = co_await row.fixture().call("soft_limits");
      CHECK(result<std::string>(after) == result<std::string>(before));
    }
  });
}

TEST_CASE("processes and threads beyond the activity's limit are refused, and only to it") {
  auto options = torture_options(1);
  if (!give_to_nobody(options)) return;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    const auto refused = co_await row.fixture().call("start_a_thread_too_many");
    CHECK(result<std::string>(refused) == "Resource temporarily unavailable");
    const auto unbound = co_await row.fixture().call("start_a_thread");
    CHECK(result<std::string>(unbound).empty());
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
