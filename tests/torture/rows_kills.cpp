// SPDX-License-Identifier: MIT
// SIGKILL: at any time, of all at once, of the mother of all.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <sstream>
#include <thread>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

// Most are ready by then.
constexpr auto kStarting = 15ms;

/// What leave_behind says of its grandchild: its pid, and whether it holds the arena.
struct Grandchild {
  pid_t pid = 0;
  char holds_arena = '?';
};
Grandchild grandchild_of(Running& running) {
  Grandchild grandchild;
  std::istringstream(running.take()->details.substr(1)) >> grandchild.pid >> grandchild.holds_arena;
  return grandchild;
}

}  // namespace

TEST_CASE("row 1: SIGKILL at a random instant costs the task in hand and nothing else") {
  const int kills = times(1'000, 10'000);
  std::mt19937 random(seed());
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  // Twice as many as work, so that there is always one that is ready: those that start are row 53's.
  Invariants row(torture_options(2 * cores), {.loops = true});
  int completed = 0, died = 0, wrong = 0;
  bool stop = false;
  std::map<pid_t, Clock::time_point> born, killed_at;
  std::vector<Clock::duration> seen_after;
  row.hold([&]() -> asio::awaitable<void> {
    const auto load = [&](int lane) -> asio::awaitable<void> {
      for (int i = 0; !stop; ++i) {
        const std::string name = std::to_string(lane) + "/" + std::to_string(i);
        Running running(row.io());
        running.start(row.fixture(), "spin", name, i % 4 * 500);
        co_await running.until_ended();
        if (std::holds_alternative<Completed>(*running.outcome)) {
          ++completed;
          // Another task's result, or this one's of a former life, would show here.
          wrong += result<std::string>(*running.outcome) != name;
        } else {
          ++died;
          wrong += type_of(*running.outcome) != "ActivityProcessKilled";
          if (auto at = killed_at.find(running.handle.pid()); at != killed_at.end())
            seen_after.push_back(Clock::now() - at->second);
        }
      }
    };
    const auto storm = [&](int) -> asio::awaitable<void> {
      for (int killed = 0; killed < kills;) {
        const auto now = Clock::now();
        auto victims = row.victims();
        std::erase_if(born, [&](const auto& one) { return !alive(one.first); });
        std::erase_if(killed_at, [&](const auto& one) { return now - one.second > 5s; });
        std::erase_if(victims, [&](pid_t pid) {
          return now - born.emplace(pid, now).first->second < kStarting || killed_at.contains(pid);
        });
        if (!victims.empty()) {
          const pid_t chosen = victims[random() % victims.size()];
          killed_at[chosen] = Clock::now();
          ::kill(chosen, SIGKILL);
          ++killed;
        }
        co_await supervisor::pause(std::chrono::microseconds(random() % 4'000));
      }
      stop = true;
    };
    const auto either = [&](int lane) { return lane < cores ? load(lane) : storm(lane); };
    co_await in_lanes(row, cores + 1, either);
    row.expect_any_of({"killed", "not_started"}, static_cast<std::uint64_t>(kills));
    row.count(std::to_string(kills) + " kills, " + std::to_string(completed) + " completed, " +
              std::to_string(died) + " died");
    std::ranges::sort(seen_after);
    REQUIRE(seen_after.size() > 10);
    const auto p99 = seen_after[seen_after.size() * 99 / 100];
    row.count("p99 of the death's report " +
              std::to_string(std::chrono::duration<double, std::milli>(p99).count()) + " ms");
    CHECK(p99 <= 10ms);
    CHECK_FALSE(row.fixture().log.contain("garbage"));
    CHECK_FALSE(row.fixture().log.contain("not in its hands"));
  });
  CHECK(wrong == 0);
  CHECK(died <= kills);
  CHECK(completed > 0);
}

TEST_CASE("row 24: the zygote's death takes its children and theirs along; a new one takes over") {
  Invariants row(torture_options(2), {.bystander = false});
  row.hold([&]() -> asio::awaitable<void> {
    const int deaths = times(3, 50);
    for (int i = 0; i < deaths; ++i) {
      const pid_t zygote = row.pool().zygote_pid();
      Running daemon(row.io()), group(row.io());
      if (i > 0) {  // the first one is idle
        daemon.start(row.fixture(), "leave_behind", "daemon"s);
        group.start(row.fixture(), "leave_behind", "group"s);
        co_await daemon.until_beaten();
        co_await group.until_beaten();
      }
      const auto before = row.pool().child_pids();
      ::kill(zygote, SIGKILL);
      if (i > 0)
        for (auto* running : {&daemon, &group}) {
          const auto grandchild = grandchild_of(*running);
          co_await running->until_ended();
          CHECK(type_of(*running->outcome) == "ActivityProcessKilled");
          CHECK_FALSE(std::get<Died>(*running->outcome).killed_here);
          CHECK(details_of(*running->outcome)["cause"] == "zygote");
          co_await until_dead(grandchild.pid);
        }
      for (pid_t pid : before) co_await until_dead(pid);
      while (row.pool().zygote_pid() == zygote) co_await supervisor::pause(1ms);
      co_await until_full(row.fixture(), row.children());
      CHECK(row.pool().zygote_pid() != zygote);
      // Nobody but the new zygote is a child of this process: the supervisor does not fork.
      while (children_of(::getpid()).size() > 1) co_await supervisor::pause(1ms);
      CHECK(children_of(::getpid()) == std::vector{row.pool().zygote_pid()});
      row.expect("zygote_died", static_cast<std::uint64_t>(row.children()));
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    CHECK(row.pool().counts().zygotes == static_cast<std::uint64_t>(deaths) + 1);
    row.count(std::to_string(deaths) + " zygotes");
  });
}

TEST_CASE("row 44: what a child leaves running is found, killed and counted; it holds no arena") {
  const std::vector ways{"group"s, "session"s, "daemon"s};
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    for (const auto& how : ways) {
      CAPTURE(how);
      Running running(row.io());
      running.start(row.fixture(), "leave_behind", how);
      co_await running.until_beaten();
      const auto grandchild = grandchild_of(running);
      REQUIRE(alive(grandchild.pid));
      CHECK(grandchild.holds_arena == 'n');
      row.fixture().log.lines.clear();
      ::kill(running.handle.pid(), SIGKILL);
      row.expect("killed");
      co_await running.until_ended();
      CHECK(type_of(*running.outcome) == "ActivityProcessKilled");
      co_await until_dead(grandchild.pid);
      if (how != "group")
        while (!row.fixture().log.contain("\"processes\":1")) co_await supervisor::pause(1ms);
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    row.count("3 grandchildren");
  });
}

// The grandchild writes into the dead child's ring as fast as it is read, and its zygote is gone, so that only this loop can end it.
TEST_CASE(
    "row 44: a grandchild that goes on writing the dead child's memory does not hold the loop") {
  auto options = torture_options(1);
  options.child.ring_capacity = 64 * 1024;  // a thousand lines, each of which is logged
  Invariants row(options, {.bystander = false});
  row.hold([&]() -> asio::awaitable<void> {
    Running running(row.io());
    running.start(row.fixture(), "leave_a_writer");
    co_await running.until_beaten();
    const pid_t writer = std::stoi(running.take()->details);
    ::kill(row.pool().zygote_pid(), SIGKILL);
    row.expect("zygote_died", 2);
    co_await running.until_ended();
    co_await until_dead(writer);
    row.count("1 writer");
  });
}

TEST_CASE(
    "row 52: all children killed at once: no places, then all of them, and only the tasks in hand "
    "fail") {
  const int rounds = times(20, 100);
  constexpr int kChildren = 4;
  auto options = torture_options(kChildren - 1);
  Invariants row(options, {.bystander = false, .loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    int fewest = kChildren;
    row.pool().on_capacity_change = [&] { fewest = std::min(fewest, row.pool().capacity()); };
    for (int i = 0; i < rounds; ++i) {
      std::array<Running, kChildren - 1> busy{Running(row.io()), Running(row.io()),
                                              Running(row.io())};
      for (auto& one : busy) one.start(row.fixture(), "beat_and_wait", 1);
      for (auto& one : busy) co_await one.until_beaten();
      const auto victims = row.victims();
      for (pid_t pid : victims) ::kill(pid, SIGKILL);
      // At once: the loop sees the first death when the last one has died.
      busy_until([&] { return std::ranges::none_of(victims, alive); });
      row.watch().forgive();
      row.expect("killed", kChildren);
      for (auto& one : busy) {
        co_await one.until_ended();
        CHECK(type_of(*one.outcome) == "ActivityProcessKilled");
      }
      co_await until_full(row.fixture(), kChildren);
      CHECK(fewest == 0);
      fewest = kChildren;
      const auto after = co_await row.fixture().call("no_op");
      CHECK(std::holds_alternative<Completed>(after));
    }
    row.pool().on_capacity_change = nullptr;
    row.count(std::to_string(rounds) + " times " + std::to_string(kChildren));
  });
}
