// SPDX-License-Identifier: MIT
// Activities that do not end when they should, or cannot.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/torture/deaf_mount.hpp"
#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

// The pool looks at its ladders every 100 ms; a replacement may take 20 ms, and the machine some.
constexpr auto kSlack = 500ms;

PoolOptions impatient(int children, std::chrono::milliseconds term_grace = 100ms) {
  auto options = torture_options(children);
  options.child.term_grace = term_grace;
  return options;
}

}  // namespace

TEST_CASE("row 11: a busy loop that outlives its timeout is stopped, and its place is free again") {
  Invariants row(impatient(1));
  row.hold([&]() -> asio::awaitable<void> {
    Running running(row.io());
    running.start(row.fixture(), "loop_for_ever");
    co_await running.until_beaten();
    const auto since = Clock::now();
    running.handle.cancel(CancelReason::timed_out);
    running.handle.terminate(KillReason::timed_out);
    row.expect("timed_out");
    co_await running.until_ended();
    CHECK(std::get<Died>(*running.outcome).killed_here);
    CHECK(details_of(*running.outcome)["signal"] == SIGTERM);
    co_await until_full(row.fixture(), row.children());
    CHECK(Clock::now() - since <= 100ms + kSlack);
    row.count("1 loop");
  });
}

TEST_CASE("row 12: a busy loop that is asked to stop runs on, until it is killed for it") {
  Invariants row(impatient(2));
  row.hold([&]() -> asio::awaitable<void> {
    Running running(row.io());
    running.start(row.fixture(), "loop_for_ever");
    co_await running.until_beaten();
    running.handle.cancel(CancelReason::requested);
    // Cancelling alone never kills: a few looks at all ladders pass.
    co_await supervisor::pause(full() ? 30s : 500ms);
    CHECK_FALSE(running.outcome);
    running.handle.kill();  // as an operator does it
    row.expect("cancelled");
    co_await running.until_ended();
    REQUIRE(std::holds_alternative<Canceled>(*running.outcome));
    CHECK(std::get<Canceled>(*running.outcome).details.payloads(0).data() ==
          "\"killed after grace\"");

    Running unasked(row.io());
    unasked.start(row.fixture(), "loop_for_ever");
    co_await unasked.until_beaten();
    unasked.handle.kill();
    row.expect("operator");
    co_await unasked.until_ended();
    CHECK(type_of(*unasked.outcome) == "ActivityProcessKilled");
    CHECK(details_of(*unasked.outcome)["cause"] == "operator");

    Running complies(row.io());
    complies.start(row.fixture(), "heartbeat_until_cancelled");
    co_await complies.until_beaten();
    complies.handle.cancel(CancelReason::requested);
    co_await complies.until_ended();
    CHECK(std::holds_alternative<Canceled>(*complies.outcome));
    row.count("2 loops");
  });
}

TEST_CASE("row 13: who is stuck in the kernel is given up, and another child takes the place") {
  const auto mount = DeafMount::make();
  if (!mount) {
    MESSAGE("skipped: row 13, nothing may be mounted here");
    return;
  }
  auto options = torture_options(2);
  options.child.term_grace = 0ms;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    Running stuck(row.io());
    stuck.start(row.fixture(), "look_at", (mount->path() / "file").string());
    co_await stuck.until_beaten();
    const pid_t pid = stuck.handle.pid();
    while (!mount->asked()) co_await supervisor::pause(1ms);
    stuck.handle.terminate(KillReason::timed_out);
    while (!stuck.outcome) {
      const auto beside = co_await row.fixture().call("say_hello", "you"s);
      CHECK(result<std::string>(beside) == "Hello, you!");
      co_await supervisor::pause(100ms);
    }
    row.expect("lost");
    CHECK(type_of(*stuck.outcome) == "ActivityProcessLost");
    co_await until_full(row.fixture(), row.children());
    CHECK_MESSAGE(state_of(pid) == 'D', "no signal reaches it");
    mount->end();
    while (state_of(pid) == 'D') co_await supervisor::pause(1ms);
    row.count("1 process");
  });
}

TEST_CASE("row 14: what blocks or swallows SIGTERM gets SIGKILL after its grace, not before") {
  const std::vector ways{"blocked"s, "swallowed"s};
  Invariants row(impatient(1));
  row.hold([&]() -> asio::awaitable<void> {
    for (const auto& how : ways) {
      CAPTURE(how);
      Running running(row.io());
      running.start(row.fixture(), "loop_deaf", how);
      co_await running.until_beaten();
      const auto since = Clock::now();
      running.handle.terminate(KillReason::timed_out);
      row.expect("timed_out");
      co_await running.until_ended();
      CHECK(Clock::now() - since >= 100ms);
      CHECK(details_of(*running.outcome)["signal"] == SIGKILL);
      co_await until_full(row.fixture(), row.children());
      CHECK(Clock::now() - since <= 100ms + kSlack);
    }
    row.count("2 loops");
  });
}

TEST_CASE(
    "row 33: a child that is stopped for a while harms nobody; one stopped for ever can be "
    "killed") {
  Invariants row(impatient(2));
  row.hold([&]() -> asio::awaitable<void> {
    Running paused(row.io()), stuck(row.io());
    paused.start(row.fixture(), "spin", "done"s, 50'000);
    co_await paused.until_started();
    ::kill(paused.handle.pid(), SIGSTOP);
    stuck.start(row.fixture(), "heartbeat_until_cancelled");
    co_await stuck.until_beaten();
    ::kill(stuck.handle.pid(), SIGSTOP);
    while (state_of(stuck.handle.pid()) != 'T') co_await supervisor::pause(1ms);
    while (stuck.take()) {
    }
    co_await supervisor::pause(1s);
    CHECK_FALSE(paused.outcome);
    CHECK_MESSAGE(!stuck.take(), "a process that stands still makes no progress");
    ::kill(paused.handle.pid(), SIGCONT);
    co_await paused.until_ended();
    CHECK(result<std::string>(*paused.outcome) == "done");
    stuck.handle.terminate(KillReason::timed_out);
    row.expect("timed_out");
    co_await stuck.until_ended();
    CHECK_MESSAGE(details_of(*stuck.outcome)["signal"] == SIGKILL, "SIGTERM stays pending");
    row.count("2 stops");
  });
}

TEST_CASE("row 33: what a child committed before it was stopped is found without its doorbell") {
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    const int stops = times(10, 200);
    for (int i = 0; i < stops; ++i) {
      Running running(row.io());
      running.start(row.fixture(), "stop_after_commit");
      co_await running.until_started();
      const pid_t pid = running.handle.pid();
      busy_until([&] { return state_of(pid) == 'T'; });
      const auto since = Clock::now();
      row.watch().forgive();
      co_await running.until_ended();
      CHECK(result<int>(*running.outcome) == pid);
      CHECK(Clock::now() - since <= 150ms);
      ::kill(pid, SIGKILL);
      row.expect("killed");
      co_await until_full(row.fixture(), row.children());
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    // The same for sure: its doorbell is gone.
    const auto mute = co_await row.fixture().call("lose_doorbell");
    const auto since = Clock::now();
    const auto again = co_await row.fixture().call("own_pid");
    CHECK(result<int>(again) == result<int>(mute));
    CHECK(Clock::now() - since <= 150ms);
    row.count(std::to_string(stops + 1) + " doorbells");
  });
}

TEST_CASE("row 38: a completion that races with cancel, timeout and kill has one outcome") {
  const int races = times(300, 5'000);
  std::mt19937 random(seed());
  Invariants row(impatient(2), {.loops = true});
  int completed = 0, canceled = 0, stopped = 0;
  row.hold([&]() -> asio::awaitable<void> {
    const auto race = [&](int) -> asio::awaitable<void> {
      for (int i = 0; i < races / 2; ++i) {
        Running running(row.io());
        running.start(row.fixture(), "spin", "done"s, 1'000);
        co_await running.until_started();
        co_await supervisor::pause(std::chrono::microseconds(random() % 2'000));
        running.handle.cancel(CancelReason::requested);
        const bool timed_out = i % 2 == 0;
        running.handle.terminate(timed_out ? KillReason::timed_out : KillReason::cancelled);
        co_await running.until_ended();
        if (std::holds_alternative<Completed>(*running.outcome)) {
          ++completed;
          CHECK(result<std::string>(*running.outcome) == "done");
        } else if (std::holds_alternative<Canceled>(*running.outcome)) {
          ++canceled;
          CHECK_FALSE(timed_out);
        } else {
          ++stopped;
          CHECK(timed_out);
          CHECK(std::get<Died>(*running.outcome).killed_here);
        }
      }
    };
    co_await in_lanes(row, 2, race);
    co_await until_full(row.fixture(), row.children());
    // Each SIGTERM ended its child, also where the answer came first.
    const auto counts = row.pool().counts();
    row.expect_any_of({"timed_out", "cancelled"}, counts.of_children.terms);
    CHECK(counts.of_children.terms >= static_cast<std::uint64_t>(canceled + stopped));
    row.count(std::to_string(completed) + " completed, " + std::to_string(canceled) +
              " canceled, " + std::to_string(stopped) + " stopped");
  });
  CHECK(completed + canceled + stopped == races / 2 * 2);
  CHECK(completed > 0);
  CHECK(canceled > 0);
  CHECK(stopped > 0);
}
