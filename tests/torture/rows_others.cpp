// SPDX-License-Identifier: MIT
// Who is not to be hit: a process that has a dead child's number, and activities beside one that always crashes.
#include <doctest/doctest.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

/// A process with that number; it does nothing, and leads a group of its own. -1: the system does not let one choose.
pid_t impostor(pid_t number) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&number);
  arguments.set_tid_size = 1;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) {
    ::setpgid(0, 0);
    for (;;) ::pause();
  }
  return static_cast<pid_t>(pid);
}

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

}  // namespace

TEST_CASE(
    "row 39: a signal for a child never reaches another process that has its number by then") {
  auto options = torture_options(2);
  options.child.term_grace = 0ms;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    const int reuses = times(20, 200);
    for (int i = 0; i < reuses; ++i) {
      Running running(row.io());
      running.start(row.fixture(), "loop_deaf", "swallowed"s);
      co_await running.until_beaten();
      const pid_t pid = running.handle.pid();
      ::kill(pid, SIGKILL);
      busy_until([&] { return !exists(pid); });  // the zygote has reaped it; nobody here has heard
      const pid_t other = impostor(pid);
      if (other < 0 && i == 0 && (errno == EPERM || errno == ENOSYS)) {
        co_await running.until_ended();
        row.expect("killed");
        MESSAGE("skipped: row 39, the number of a process may not be chosen here");
        co_return;
      }
      if (other < 0) {  // somebody else has it already
        co_await running.until_ended();
        row.expect("killed");
        continue;
      }
      running.handle.terminate(KillReason::timed_out);
      row.expect("timed_out");
      co_await running.until_ended();
      co_await supervisor::pause(20ms);
      CHECK(alive(other));
      ::kill(other, SIGKILL);
      CHECK(::waitpid(other, nullptr, 0) == other);
      co_await until_full(row.fixture(), row.children());
    }
    row.count(std::to_string(reuses) + " numbers used again");
  });
}

TEST_CASE("row 51: an activity that always crashes costs those beside it nothing") {
  const int healthy = times(200, 1'000), attempts = times(20, 100);
  constexpr int kLanes = 3;
  Invariants row(torture_options(kLanes + 1));
  row.hold([&]() -> asio::awaitable<void> {
    int completed = 0, crashed = 0;
    const auto work = [&](int) -> asio::awaitable<void> {
      for (int i = 0; i < healthy / kLanes; ++i) {
        const auto outcome = co_await row.fixture().call("nap", 5);
        completed += std::holds_alternative<Completed>(outcome);
      }
    };
    const auto since = Clock::now();
    co_await in_lanes(row, kLanes, work);
    const auto alone = Clock::now() - since;
    CHECK(completed == healthy / kLanes * kLanes);

    completed = 0;
    Clock::duration beside{};
    const auto either = [&](int lane) -> asio::awaitable<void> {
      const auto begun = Clock::now();
      if (lane < kLanes) {
        co_await work(lane);
        beside = std::max(beside, Clock::now() - begun);
        co_return;
      }
      for (int i = 0; i < attempts; ++i) {
        const auto outcome = co_await row.fixture().call("crash");
        crashed += type_of(outcome) == "ActivityProcessCrashed";
      }
    };
    co_await in_lanes(row, kLanes + 1, either);
    row.expect("crashed", static_cast<std::uint64_t>(attempts));
    CHECK(completed == healthy / kLanes * kLanes);
    CHECK(crashed == attempts);
    CHECK_FALSE(row.pool().degraded());
    const auto share = static_cast<double>(alone.count()) / static_cast<double>(beside.count());
    if (full()) CHECK(share >= 0.9);
    row.count(std::to_string(crashed) + " crashes beside " + std::to_string(completed) +
              " others, which went on at " + std::to_string(static_cast<int>(share * 100)) + " %");
  });
}
