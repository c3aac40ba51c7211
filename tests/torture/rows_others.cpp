// SPDX-License-Identifier: MIT
// Who is not to be hit: a process that has a dead child's number, and activities beside one that always crashes.
#include <doctest/doctest.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>

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

/// While it lives, a process can open just so many descriptors.
class FewDescriptors {
 public:
  FewDescriptors(pid_t pid, rlim_t free) : pid_(pid) {
    REQUIRE(::prlimit(pid_, RLIMIT_NOFILE, nullptr, &before_) == 0);
    rlimit fewer = before_;
    for (fewer.rlim_cur = 0; free > 0; ++fewer.rlim_cur)
      free -= std::filesystem::exists(std::filesystem::symlink_status(
                  "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(fewer.rlim_cur)))
                  ? 0
                  : 1;
    REQUIRE(::prlimit(pid_, RLIMIT_NOFILE, &fewer, nullptr) == 0);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { ::prlimit(pid_, RLIMIT_NOFILE, &before_, nullptr); }

 private:
  pid_t pid_;
  rlimit before_{};
};

int own_pidfds() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code closed_by_now;
    const auto what = std::filesystem::read_symlink(entry, closed_by_now).string();
    // "anon_inode:[pidfd]", and since Linux 6.9 "pidfd:[...]".
    count += what.find("pidfd") != std::string::npos;
  }
  return count;
}

// False where the number of a process may not be chosen.
asio::awaitable<bool> use_number_again(Invariants& row) {
  Running running(row.io());
  running.start(row.fixture(), "loop_deaf", "swallowed"s);
  co_await running.until_beaten();
  const pid_t pid = running.handle.pid();
  ::kill(pid, SIGKILL);
  busy_until([&] { return !exists(pid); });  // the zygote has reaped it; nobody here has heard
  const pid_t other = impostor(pid);
  const bool refused = other < 0 && (errno == EPERM || errno == ENOSYS);
  if (other < 0) {  // somebody else has it already
    co_await running.until_ended();
    row.expect("killed");
    co_return !refused;
  }
  running.handle.terminate(KillReason::timed_out);
  row.expect("timed_out");
  co_await running.until_ended();
  co_await supervisor::pause(20ms);
  CHECK(alive(other));
  ::kill(other, SIGKILL);
  CHECK(::waitpid(other, nullptr, 0) == other);
  co_await until_full(row.fixture(), row.children());
  co_return true;
}

// What the zygote is sent with each child. One more would be the child's pidfd.
constexpr rlim_t kAttached = 6;

}  // namespace

TEST_CASE(
    "row 39: a signal for a child never reaches another process that has its number by then") {
  auto options = torture_options(2);
  options.child.term_grace = 0ms;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    const int reuses = times(20, 200), by_the_zygote = times(5, 50);
    for (int i = 0; i < reuses; ++i)
      if (!co_await use_number_again(row)) {
        MESSAGE("skipped: row 39, the number of a process may not be chosen here");
        co_return;
      }
    // Signals of children that nobody has a pidfd of are the zygote's to send.
    const FewDescriptors few(row.pool().zygote_pid(), kAttached);
    const auto victims = row.victims();
    const auto pidfds = own_pidfds();
    for (const pid_t pid : victims) ::kill(pid, SIGKILL);
    row.expect("killed", victims.size());
    const auto one_is_left = [&] {
      const auto there = row.pool().child_pids();
      return std::ranges::find_first_of(there, victims) != there.end();
    };
    while (one_is_left()) co_await supervisor::pause(1ms);
    co_await until_full(row.fixture(), row.children());
    CHECK(own_pidfds() == pidfds - static_cast<int>(victims.size()));
    for (int i = 0; i < by_the_zygote; ++i) CHECK(co_await use_number_again(row));
    row.count(std::to_string(reuses + by_the_zygote) + " numbers used again");
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
