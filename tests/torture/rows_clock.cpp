// SPDX-License-Identifier: MIT
// The wall clock is not this product's: nobody waits by it. It is moved here, and the machine put to sleep, so only where nobody else
// lives by them (tools/vm).
#include <doctest/doctest.h>
#include <sys/timex.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <string>

#include "shared/kernel_file.hpp"
#include "tests/torture/invariants.hpp"

using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

void set_clock(std::time_t seconds, long nanoseconds = 0) {
  const timespec now{.tv_sec = seconds, .tv_nsec = nanoseconds};
  REQUIRE(::clock_settime(CLOCK_REALTIME, &now) == 0);
}

// What the clock is at: TIME_OOP in a leap second, TIME_WAIT after it.
int leap_state() {
  timex state{};
  return ::adjtimex(&state);
}

void order_leap_second(bool wanted) {
  timex leap{};
  leap.modes = ADJ_STATUS;
  leap.status = wanted ? STA_INS : 0;
  REQUIRE(::adjtimex(&leap) >= 0);
}

// A moment before a midnight (UTC) that comes a second later. The kernel has to see the second before it begin.
void set_clock_before_leap_second() {
  constexpr std::time_t kDay = 24 * 60 * 60;
  order_leap_second(false);
  set_clock((std::time(nullptr) / kDay + 1) * kDay - 2, 500'000'000);
  order_leap_second(true);
}

std::chrono::nanoseconds time_by(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// The whole machine, for so long. Nothing else ran meanwhile, and the clock of deadlines stood still. False: it cannot.
bool sleep_for(std::chrono::seconds time) {
  const auto asleep = [] { return time_by(CLOCK_BOOTTIME) - time_by(CLOCK_MONOTONIC); };
  const auto before = asleep();
  const std::string alarm = "/sys/class/rtc/rtc0/wakealarm";
  if (temporal::write_kernel_file(alarm, "+" + std::to_string(time.count()))) return false;
  if (temporal::write_kernel_file("/sys/power/state", "mem")) return false;
  return asleep() - before >= 1s;
}

bool clock_may_be_moved(int row) {
  if (std::getenv("TEMPORAL_OWN_CLOCK")) return true;
  MESSAGE("skipped: row " << row << ", no clock of its own (tools/torture --vm has one)");
  return false;
}

PoolOptions patient_options() {
  auto options = torture_options(2);
  options.child.term_grace = 300ms;
  options.child.ping_after = 100ms;
  options.recycling.max_age = 30min;
  options.reap_after = 30min;
  return options;
}

// One task is to be killed after its grace, one waits: neither's time may be cut short by what happens to the clock.
asio::awaitable<void> hold_deadlines(Invariants& row, const std::function<void()>& happens) {
  Running deaf(row.io());
  deaf.start(row.fixture(), "loop_deaf", "swallowed"s);
  Running waiting(row.io());
  waiting.start(row.fixture(), "wait_so_long", 1500);
  co_await deaf.until_beaten();
  co_await waiting.until_beaten();
  const auto asked = Clock::now();
  deaf.handle.terminate(KillReason::by_operator);
  row.expect("operator");
  happens();
  co_await deaf.until_ended();
  const auto took = Clock::now() - asked;
  CHECK(took >= 300ms);
  CHECK(took < 3s);
  co_await waiting.until_ended();
  const auto waited = result<int>(*waiting.outcome);
  CHECK(waited >= 1500);
  CHECK(waited < 4500);
  co_await until_full(row.fixture(), row.children());
}

}  // namespace

TEST_CASE("row 35: the wall clock jumps and has leap seconds, and no deadline notices") {
  if (!clock_may_be_moved(35)) return;
  Invariants row(patient_options(), {.longest_hold = 1s});  // of an emulated machine
  row.hold([&]() -> asio::awaitable<void> {
    const auto began = std::time(nullptr);
    const auto since = Clock::now();
    const std::array<std::function<void()>, 4> jumps{
        [] { set_clock(std::time(nullptr) + 3600); }, [] { set_clock(std::time(nullptr) - 3600); },
        [] { set_clock(std::time(nullptr) + 365 * 24 * 3600); }, set_clock_before_leap_second};
    const int rounds = times(1, 5);
    for (int round = 0; round < rounds; ++round) {
      for (const auto& jump : jumps) co_await hold_deadlines(row, jump);
      while (leap_state() == TIME_INS) co_await temporal::supervisor::pause(10ms);
      CHECK_MESSAGE(leap_state() != TIME_OK, "there was no leap second");
      order_leap_second(false);
    }
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
    set_clock(began + passed.count());
    row.count(std::to_string(4 * rounds) + " jumps");
  });
}

TEST_CASE("row 36: the machine sleeps, and what was waited for comes late, never early") {
  if (!clock_may_be_moved(36)) return;
  if (!sleep_for(3s)) {
    MESSAGE("skipped: row 36, this machine cannot sleep (tools/torture --vm has one that can)");
    return;
  }
  Invariants row(patient_options(), {.longest_hold = 1s});
  row.hold([&]() -> asio::awaitable<void> {
    const int sleeps = times(2, 10);
    for (int i = 0; i < sleeps; ++i) co_await hold_deadlines(row, [] { CHECK(sleep_for(3s)); });
    row.count(std::to_string(sleeps) + " sleeps");
  });
}
