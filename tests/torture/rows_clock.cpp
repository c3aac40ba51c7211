// SPDX-License-Identifier: MIT
// The wall clock is not this product's: nobody waits by it. It is moved here, so only where nobody else lives by it (tools/vm).
#include <doctest/doctest.h>
#include <sys/timex.h>

#include <cstdlib>
#include <ctime>

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

}  // namespace

TEST_CASE("row 35: the wall clock jumps and has leap seconds, and no deadline notices") {
  if (!std::getenv("TEMPORAL_OWN_CLOCK")) {
    MESSAGE("skipped: row 35, no clock of its own (tools/vm has one)");
    return;
  }
  auto options = torture_options(2);
  options.child.term_grace = 300ms;
  options.child.ping_after = 100ms;
  options.recycling.max_age = 30min;
  options.reap_after = 30min;
  Invariants row(std::move(options), {.longest_hold = 1s});  // of an emulated machine
  row.hold([&]() -> asio::awaitable<void> {
    const auto began = std::time(nullptr);
    const auto since = Clock::now();
    const std::array<std::function<void()>, 4> jumps{
        [] { set_clock(std::time(nullptr) + 3600); }, [] { set_clock(std::time(nullptr) - 3600); },
        [] { set_clock(std::time(nullptr) + 365 * 24 * 3600); }, set_clock_before_leap_second};
    int moved = 0;
    for (int round = 0; round < times(1, 5); ++round) {
      for (const auto& jump : jumps) {
        Running deaf(row.io());
        deaf.start(row.fixture(), "loop_deaf", "swallowed"s);
        Running waiting(row.io());
        waiting.start(row.fixture(), "wait_so_long", 1500);
        co_await deaf.until_beaten();
        co_await waiting.until_beaten();
        const auto asked = Clock::now();
        deaf.handle.terminate(KillReason::by_operator);
        row.expect("operator");
        jump();
        ++moved;
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
      while (leap_state() == TIME_INS) co_await temporal::supervisor::pause(10ms);
      CHECK_MESSAGE(leap_state() != TIME_OK, "there was no leap second");
      order_leap_second(false);
    }
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
    set_clock(began + passed.count());
    row.count(std::to_string(moved) + " jumps");
  });
}
