// SPDX-License-Identifier: MIT
// Children that write where they should not, and what they should not.
#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "supervisor/children/keep_out.hpp"
#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

/// Every line but the last "name done": what was tried failed.
void check_refused(const std::string& report) {
  std::istringstream lines(report);
  for (std::string name, said; lines >> name >> said;) {
    CAPTURE(name);
    CHECK((said == "EPERM" || said == "EACCES" || said == "-" || said == "same"));
  }
}

}  // namespace

TEST_CASE("row 32: a child cannot cut the shared memory away under the supervisor") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto outcome = co_await row.fixture().call("truncate_up_half");
    const auto report = result<std::string>(outcome);
    if (report.find('-') != std::string::npos)
      MESSAGE("skipped: row 32, nothing to truncate: this user cannot reopen a mapping");
    check_refused(report);
    const auto after = co_await row.fixture().call("say_hello", "you"s);
    CHECK(result<std::string>(after) == "Hello, you!");
    row.count("2 truncations");
  });
}

TEST_CASE(
    "row 41: garbage of every kind in its memory ends the child that wrote it, and nothing else") {
  const int children = times(300, 3'000);
  constexpr int kLanes = 3;
  std::mt19937 random(seed());
  Invariants row(torture_options(kLanes), {.loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    const auto known = co_await row.fixture().call("kinds_of_damage");
    const int kinds = result<int>(known);
    int next = 0;
    const auto spoil = [&](int) -> asio::awaitable<void> {
      while (next < children) {
        const int kind = next++ % kinds;
        Running running(row.io());
        running.handle.on_heartbeat = [&] { (void)running.handle.take_heartbeat(); };
        running.handle.on_log = [](const child::v1::Log&) {};
        running.start(row.fixture(), "do_damage", kind, static_cast<int>(random() & 0x7fffffff));
        co_await running.until_ended();
        REQUIRE_MESSAGE(std::holds_alternative<Died>(*running.outcome), kind);
        CHECK_MESSAGE(type_of(*running.outcome) == "ActivityProcessCorrupt", kind);
        CHECK_FALSE(failure(*running.outcome).application_failure_info().non_retryable());
        const auto after = co_await row.fixture().call("say_hello", "you"s);
        CHECK(result<std::string>(after) == "Hello, you!");
        row.fixture().log.lines.clear();  // some write thousands, which are not the pool's to keep
      }
    };
    co_await in_lanes(row, kLanes, spoil);
    row.expect("corrupt", static_cast<std::uint64_t>(children));
    row.count(std::to_string(children) + " children, " + std::to_string(kinds) +
              " kinds of damage");
  });
}

TEST_CASE(
    "row 42: the supervisor's half cannot be written, remapped, truncated, punched or unsealed") {
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto tried = co_await row.fixture().call("attack_down_half");
    const auto report = result<std::string>(tried);
    CHECK(report.ends_with("the same"));
    check_refused(report.substr(0, report.rfind('\n')));
    const int writes = times(5, 50);
    for (int i = 0; i < writes; ++i) {
      const auto outcome = co_await row.fixture().call("write_down_half", i * 5'000);
      row.expect("crashed");
      CHECK(type_of(outcome) == "ActivityProcessCrashed");
      CHECK(details_of(outcome)["signal"] == SIGSEGV);
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    row.count(std::to_string(writes) + " writes");
  });
}

TEST_CASE("row 42: the supervisor cannot be traced, nor its memory and descriptors be reached") {
  constexpr std::uint64_t kTruth = 0x0123'4567'89ab'cdef;
  volatile std::uint64_t word = kTruth;
  const int own = ::dup(STDOUT_FILENO);
  const ipc::UniqueFd fd(own);
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    keep_out();
    const auto tried = co_await row.fixture().call("attack_supervisor", int(::getpid()),
                                                   reinterpret_cast<std::uint64_t>(&word), own);
    ::prctl(PR_SET_DUMPABLE, 1);
    const auto report = result<std::string>(tried);
    CAPTURE(report);
    check_refused(report);
    CHECK(word == kTruth);
    row.count(std::to_string(std::ranges::count(report, '\n')) + " ways to reach it");
  });
}
