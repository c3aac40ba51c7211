// SPDX-License-Identifier: MIT
// Children whose descriptors are no longer what they were, or who hear no call any more.
#include <doctest/doctest.h>

#include <csignal>
#include <fstream>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

asio::awaitable<pid_t> pid_of(Invariants& row, const char* activity) {
  const auto outcome = co_await row.fixture().call(activity);
  co_return result<int>(outcome);
}

std::string name_of(pid_t pid) {
  std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(comm, name);
  return name;
}

asio::awaitable<void> until_replaced(Invariants& row, pid_t gone) {
  const auto known = [&] { return std::ranges::count(row.pool().child_pids(), gone) > 0; };
  while (known()) co_await supervisor::pause(1ms);
  co_await until_full(row.fixture(), row.children());
}

}  // namespace

TEST_CASE(
    "row 43: a child that lost its descriptors or hears nothing is found out and replaced, its "
    "results count, and what it did not take another one does") {
  auto options = torture_options(2);
  options.child.ping_after = 50ms;
  options.child.lost_after = 300ms;
  const int rounds = times(1, 20);
  const std::vector ways{"lose_ears"s, "get_stuck"s};
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    for (int round = 0; round < rounds; ++round) {
      const auto closed = co_await pid_of(row, "close_all");
      row.expect("exited");
      co_await until_replaced(row, closed);

      // Idle: it is asked.
      const auto deaf = co_await pid_of(row, "lose_ears");
      row.expect("lost");
      co_await until_replaced(row, deaf);

      // The one that was idle last has the next task.
      for (const auto& way : ways) {
        CAPTURE(way);
        const auto deaf_too = co_await pid_of(row, way.c_str());
        // Else it takes one more.
        while (state_of(deaf_too) != 'S' || (way == "get_stuck" && name_of(deaf_too) != "stuck"))
          co_await supervisor::pause(1ms);
        Running next(row.io());
        next.start(row.fixture(), "own_pid");
        co_await next.until_started();
        CHECK(next.handle.pid() == deaf_too);
        co_await next.until_ended();
        CHECK(result<int>(*next.outcome) != deaf_too);
        row.expect("lost");
        co_await until_replaced(row, deaf_too);
      }

      const auto mute = co_await pid_of(row, "lose_doorbell");
      for (int i = 0; i < 2; ++i) {
        const auto same = co_await pid_of(row, "own_pid");
        CHECK(same == mute);
      }
      row.expect("recycled");
      co_await until_replaced(row, mute);

      const auto exited = co_await row.fixture().call("exit_twice");
      CHECK(type_of(exited) == "ActivityProcessExited");
      CHECK(details_of(exited)["exit_code"] == 0);
      row.expect("exited");
      co_await until_full(row.fixture(), row.children());
    }
    // One that only stands still is asked, too, and answers when it can.
    const auto stopped = co_await pid_of(row, "own_pid");
    ::kill(stopped, SIGSTOP);
    co_await supervisor::pause(1s);
    CHECK(state_of(stopped) == 'T');
    ::kill(stopped, SIGCONT);
    const auto after = co_await pid_of(row, "own_pid");
    CHECK(after == stopped);
    row.count(std::to_string(rounds * 6) + " children");
  });
}

TEST_CASE(
    "row 46: a doorbell that is rung without end does not hold the loop, and ends its child") {
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    int calls = 0;
    // As fast as it goes, and so that each ring is a wake-up.
    for (const int pause_us : {0, 200}) {
      CAPTURE(pause_us);
      Running storm(row.io());
      storm.start(row.fixture(), "ring_for_ever", pause_us);
      co_await storm.until_started();
      for (; !storm.outcome; ++calls) {
        const auto beside = co_await row.fixture().call("say_hello", "you"s);
        CHECK(result<std::string>(beside) == "Hello, you!");
      }
      CHECK(type_of(*storm.outcome) == "ActivityProcessCorrupt");
      CHECK(failure(*storm.outcome).message().find("doorbell storm") != std::string::npos);
      CHECK_FALSE(failure(*storm.outcome).application_failure_info().non_retryable());
      row.expect("corrupt");
      co_await until_full(row.fixture(), row.children());
    }
    // A bell that is counted, and waits when there is nothing to count: nobody here waits with it.
    const auto blocks = co_await pid_of(row, "make_bell_block");
    for (int i = 0; i < 20; ++i) {
      const auto same = co_await pid_of(row, "own_pid");
      CHECK(same == blocks);
    }
    const auto p99 = row.watch().p99();
    CHECK(p99 < 5ms);
    row.count("2 storms, " + std::to_string(calls) + " calls beside them, lag p99 " +
              std::to_string(p99.count()) + " us");
  });
}
