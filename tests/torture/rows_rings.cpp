// SPDX-License-Identifier: MIT
// Rings that are full, and children that do not read them.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

/// Of this process.
std::chrono::microseconds cpu_used() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

TEST_CASE(
    "row 25: a task waits for room in ring A with its place; the loop neither blocks nor spins") {
  Folder folder;
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    const auto held =
        co_await row.fixture().call("hold_ring_a", (folder.path() / "go on").string());
    Running waiting(row.io());
    const auto before = cpu_used();
    waiting.start(row.fixture(), "own_pid");
    const auto wait = full() ? 4'000ms : 1'000ms;
    co_await supervisor::pause(wait);
    CHECK_FALSE(waiting.outcome);
    CHECK(waiting.handle.pid() == 0);
    CHECK(row.pool().capacity() == row.children());
    CHECK(cpu_used() - before < wait / 4);
    const std::ofstream go_on((folder.path() / "go on").string());
    co_await waiting.until_ended();
    CHECK(result<int>(*waiting.outcome) == result<int>(held));
    row.count("1 ring");
  });
}

TEST_CASE(
    "row 26: a supervisor that stands still costs log lines, which are counted, and nothing else") {
  constexpr int kLines = 2'000;
  Folder folder;
  const auto fifo = (folder.path() / "filled").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  Invariants row(torture_options(1));
  row.hold([&]() -> asio::awaitable<void> {
    int lines = 0;
    Running running(row.io());
    running.handle.on_log = [&](const child::v1::Log&) { ++lines; };
    running.start(row.fixture(), "fill_ring_b", kLines, fifo);
    co_await running.until_started();
    {
      // The loop stands still until all is written, and the answer, too.
      const std::ifstream filled(fifo);
      if (full()) std::this_thread::sleep_for(5s);
      busy_until([&] { return state_of(running.handle.pid()) == 'S'; });
    }
    row.watch().forgive();
    co_await running.until_ended();
    CHECK(result<std::string>(*running.outcome) == std::string(30'000, 'a'));
    auto beat = running.take();
    for (auto newer = beat; newer; newer = running.handle.take_heartbeat()) beat = newer;
    REQUIRE(beat);
    CHECK(beat->details == std::to_string(kLines - 1));
    const auto dropped = row.pool().counts().of_children.dropped_logs;
    CHECK(dropped > 0);
    CHECK(static_cast<std::uint64_t>(lines) + dropped == kLines);
    row.count(std::to_string(lines) + " lines came, " + std::to_string(dropped) + " were dropped");
  });
}

TEST_CASE("row 40: a child that does not read its ring slows nobody else down") {
  const int calls = times(500, 20'000);
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    const auto slow = row.victims();
    // The one that was idle last is asked first.
    const auto last = co_await row.fixture().call("own_pid");
    const pid_t stopped = result<int>(last);
    ::kill(stopped, SIGSTOP);
    Running waiting(row.io());
    waiting.start(row.fixture(), "own_pid");
    co_await waiting.until_started();
    CHECK(waiting.handle.pid() == stopped);
    const auto since = std::chrono::steady_clock::now();
    int done = 0;
    for (; done < calls || std::chrono::steady_clock::now() - since < (full() ? 10s : 1s); ++done) {
      const auto outcome = co_await row.fixture().call("own_pid");
      CHECK(result<int>(outcome) != stopped);
    }
    CHECK_FALSE(waiting.outcome);
    ::kill(stopped, SIGCONT);
    co_await waiting.until_ended();
    CHECK(result<int>(*waiting.outcome) == stopped);
    CHECK(row.victims() == slow);
    row.count(std::to_string(done) + " calls beside it");
  });
}
