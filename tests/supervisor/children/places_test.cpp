// SPDX-License-Identifier: MIT
// Several tasks in one process (--tasks-per-child): each has its own heartbeat, lines and cancellation, and they share one end, for
// which the one who is to blame is told from those who only stood beside.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <map>
#include <set>

#include "shared/faults.hpp"
#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

namespace {

constexpr int kPlaces = 4;

PoolOptions shared(int processes) {
  auto pool = options(processes * kPlaces);
  pool.child.places = kPlaces;
  return pool;
}

// So many tasks that wait for their cancellation, all begun.
asio::awaitable<void> begin(PoolFixture& fixture, std::deque<Running>& tasks, int count) {
  for (int i = 0; i < count; ++i) {
    tasks.emplace_back(fixture.io).start(fixture, "beat_and_wait", i);
    co_await tasks.back().until_beaten();
  }
}

asio::awaitable<void> cancel_all(std::deque<Running>& tasks) {
  for (auto& one : tasks)
    if (!one.outcome) one.handle.cancel(CancelReason::requested);
  for (auto& one : tasks) co_await one.until_ended();
}

}  // namespace

TEST_CASE("tasks of one process run at a time, and each is heard, told and ended for itself") {
  PoolFixture fixture(shared(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(fixture.pool.capacity() == kPlaces);
    CHECK(fixture.pool.counts().starts == 1);
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, kPlaces);
    std::set<pid_t> processes;
    std::set<std::uint32_t> places;
    for (auto& one : tasks) {
      processes.insert(one.handle.pid());
      places.insert(one.handle.incarnation());
    }
    CHECK(processes.size() == 1);
    CHECK(places.size() == kPlaces);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const auto beat = tasks[i].take();
      REQUIRE(beat);
      CHECK(beat->details == std::to_string(i));
    }
    // One is cancelled; the others notice nothing, and its place takes the next.
    tasks[2].handle.cancel(CancelReason::paused);
    co_await tasks[2].until_ended();
    CHECK(result<std::string>(*tasks[2].outcome) == "paused");
    CHECK(result<int>(co_await fixture.call("own_pid")) == *processes.begin());
    for (const std::size_t i : {0U, 1U, 3U}) CHECK_FALSE(tasks[i].outcome);
    co_await cancel_all(tasks);
    for (const std::size_t i : {0U, 1U, 3U})
      CHECK(result<std::string>(*tasks[i].outcome) == "requested");
  });
  CHECK(fixture.pool.counts().exits == std::map<std::string_view, std::uint64_t>{{"stopped", 1}});
}

TEST_CASE("large arguments and results of one process's tasks cross beside each other") {
  PoolFixture fixture(shared(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    for (int i = 0; i < kPlaces; ++i)
      tasks.emplace_back(fixture.io)
          .start(fixture, "repeat", std::string(200'000, static_cast<char>('a' + i)), 10);
    for (auto& one : tasks) co_await one.until_ended();
    for (int i = 0; i < kPlaces; ++i)
      CHECK(result<std::string>(*tasks[static_cast<std::size_t>(i)].outcome) ==
            std::string(2'000'000, static_cast<char>('a' + i)));
  });
}

TEST_CASE("one task crashes: it is told so with its stack, and those beside it that they were" *
          doctest::skip(!kCrashesAreOurs)) {
  PoolFixture fixture(shared(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, 2 * kPlaces - 1);
    Running culprit(fixture.io);
    culprit.start(fixture, "crash");
    co_await culprit.until_ended();
    CHECK(type_of(*culprit.outcome) == "ActivityProcessCrashed");
    CHECK(details_of(*culprit.outcome)["signal"] == SIGSEGV);
    int bystanders = 0;
    for (auto& one : tasks) {
      if (one.handle.pid() != culprit.handle.pid()) {
        CHECK_FALSE(one.outcome);
        continue;
      }
      co_await one.until_ended();
      ++bystanders;
      CHECK(type_of(*one.outcome) == "ActivityBystander");
      CHECK_FALSE(failure(*one.outcome).application_failure_info().non_retryable());
      CHECK(failure(*one.outcome).message().find("activity crash") != std::string::npos);
      CHECK(details_of(*one.outcome)["signal"] == SIGSEGV);
      CHECK_MESSAGE(one.take(), "what it published before counts");
    }
    CHECK(bystanders == kPlaces - 1);
    co_await until_full(fixture, 2 * kPlaces);
    const auto counts = fixture.pool.counts();
    CHECK(counts.exits.at("crashed") == 1);
    CHECK(counts.exits.size() == 1);
    CHECK(counts.starts == 3);
    co_await cancel_all(tasks);
  });
}

TEST_CASE("one task is killed for its timeout: only that one is told so") {
  auto pool = shared(1);
  pool.child.term_grace = 20ms;
  PoolFixture fixture(pool);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, kPlaces - 1);
    Running culprit(fixture.io);
    culprit.start(fixture, "ignore_everything");
    co_await culprit.until_beaten();
    culprit.handle.terminate(KillReason::timed_out);
    // Nothing new begins in what is about to end.
    const auto next = co_await fixture.call("own_pid");
    CHECK(result<int>(next) != culprit.handle.pid());
    co_await culprit.until_ended();
    CHECK(type_of(*culprit.outcome) == "ActivityProcessKilled");
    CHECK(std::get<Died>(*culprit.outcome).killed_here);
    for (auto& one : tasks) {
      co_await one.until_ended();
      CHECK(type_of(*one.outcome) == "ActivityBystander");
      CHECK_FALSE(std::get<Died>(*one.outcome).killed_here);
      CHECK(failure(*one.outcome).message().find("timed_out") != std::string::npos);
    }
    co_await until_full(fixture, kPlaces);
    CHECK(fixture.pool.counts().exits.at("timed_out") == 1);
  });
}

TEST_CASE("what ends before a shared process is killed has ended well") {
  auto pool = shared(1);
  pool.child.term_grace = 1h;
  PoolFixture fixture(pool);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, 1);
    Running culprit(fixture.io);
    culprit.start(fixture, "ignore_everything");
    co_await culprit.until_beaten();
    culprit.handle.terminate(KillReason::timed_out);  // SIGTERM, which it ignores
    tasks[0].handle.cancel(CancelReason::requested);
    co_await tasks[0].until_ended();
    CHECK(result<std::string>(*tasks[0].outcome) == "requested");
    ::kill(culprit.handle.pid(), SIGKILL);
    co_await culprit.until_ended();
    co_await until_full(fixture, kPlaces);
  });
}

TEST_CASE("nobody's doing: all tasks of a process that is killed from outside are told the same") {
  PoolFixture fixture(shared(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, kPlaces);
    ::kill(tasks[0].handle.pid(), SIGKILL);
    for (auto& one : tasks) {
      co_await one.until_ended();
      CHECK(type_of(*one.outcome) == "ActivityProcessKilled");
    }
    co_await until_full(fixture, kPlaces);
    CHECK(fixture.pool.counts().exits.at("killed") == 1);
    CHECK_FALSE(fixture.pool.degraded());
  });
}

TEST_CASE("deaths of shared processes are counted once each, so the pool is degraded no sooner") {
  PoolFixture fixture(shared(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (int i = 0; i < 5; ++i) {
      CHECK(type_of(co_await fixture.call("crash")) == "ActivityProcessCrashed");
      co_await until_full(fixture, kPlaces);
    }
    CHECK_FALSE(fixture.pool.degraded());
    CHECK(fixture.pool.counts().exits.at("crashed") == 5);
  });
}

// There the leak checker ends the process of exit().
TEST_CASE("exit() tells whose it was; _exit() does not" * doctest::skip(!kCrashesAreOurs)) {
  PoolFixture fixture(shared(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (const auto& [call, beside] : {std::pair("leave_by_exit", "ActivityBystander"),
                                       std::pair("exit_with", "ActivityProcessExited")}) {
      std::deque<Running> tasks;
      co_await begin(fixture, tasks, 1);
      Running culprit(fixture.io);
      culprit.start(fixture, call, 7);
      co_await culprit.until_ended();
      co_await tasks[0].until_ended();
      CHECK(type_of(*culprit.outcome) == "ActivityProcessExited");
      CHECK(details_of(*culprit.outcome)["exit_code"] == 7);
      CHECK(type_of(*tasks[0].outcome) == beside);
      co_await until_full(fixture, kPlaces);
    }
  });
}

TEST_CASE("a shared process that is to be recycled leaves when its last task has ended") {
  auto pool = shared(1);
  pool.recycling.max_tasks = 2;
  PoolFixture fixture(pool);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, 1);
    const pid_t old = tasks[0].handle.pid();
    CHECK(result<int>(co_await fixture.call("own_pid")) == old);
    CHECK(result<int>(co_await fixture.call("own_pid")) == old);
    // It takes nothing more, and its replacement is there while it finishes what it has in hand.
    co_await until_full(fixture, kPlaces);
    CHECK(result<int>(co_await fixture.call("own_pid")) != old);
    CHECK_FALSE(tasks[0].outcome);
    co_await cancel_all(tasks);
    CHECK(result<std::string>(*tasks[0].outcome) == "requested");
    co_await until_settled(fixture);
    CHECK(fixture.pool.counts().exits.at("recycled") >= 1);
    CHECK(fixture.pool.counts().exits.size() == 1);
  });
}

TEST_CASE("shared processes are replaced however many of them still finish a task") {
  auto pool = shared(1);
  pool.recycling.max_tasks = 1;
  PoolFixture fixture(pool);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    std::set<pid_t> processes;
    // Each finds a fresh process, and one task makes that leave.
    for (int i = 0; i < 3; ++i) {
      co_await begin(fixture, tasks, 1);
      processes.insert(tasks.back().handle.pid());
      CHECK(result<int>(co_await fixture.call("own_pid")) == tasks.back().handle.pid());
      CHECK(result<int>(co_await fixture.call("own_pid")) != tasks.back().handle.pid());
      co_await until_full(fixture, kPlaces);
    }
    CHECK(processes.size() == 3);
    co_await cancel_all(tasks);
    for (auto& one : tasks) CHECK(result<std::string>(*one.outcome) == "requested");
    co_await until_settled(fixture);
    CHECK(fixture.pool.child_pids().size() == 1);
  });
}

TEST_CASE("fewer shared processes: whole ones leave, and no task notices") {
  PoolFixture fixture(shared(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, 2 * kPlaces);
    fixture.pool.set_children(kPlaces);
    CHECK(fixture.pool.capacity() == kPlaces);
    for (auto& one : tasks) CHECK_FALSE(one.outcome);
    tasks[0].handle.cancel(CancelReason::requested);
    co_await tasks[0].until_ended();
    co_await cancel_all(tasks);
    for (auto& one : tasks) CHECK(result<std::string>(*one.outcome) == "requested");
    co_await until_settled(fixture);
    CHECK(fixture.pool.child_pids().size() == 1);
    CHECK(fixture.pool.counts().idle == kPlaces);
    fixture.pool.set_children(2 * kPlaces);
    co_await until_full(fixture, 2 * kPlaces);
    CHECK(fixture.pool.child_pids().size() == 2);
  });
}

TEST_CASE("shared processes that are too many leave as a whole when all their places were idle") {
  auto pool = shared(1);
  pool.most_children = 2 * kPlaces;
  pool.reap_after = 20ms;
  PoolFixture fixture(pool);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, kPlaces + 1);
    co_await until_full(fixture, 2 * kPlaces);
    CHECK(fixture.pool.child_pids().size() == 2);
    co_await cancel_all(tasks);
    while (fixture.pool.child_pids().size() > 1) co_await supervisor::pause(1ms);
    CHECK(fixture.pool.counts().exits.at("stopped") == 1);
    CHECK(result<std::string>(co_await fixture.call("say_hello", "you"s)) == "Hello, you!");
  });
}

TEST_CASE("tasks that are handed over find places in processes of their own share") {
  auto pool = shared(1);
  pool.offload_children = 2;
  PoolFixture fixture(pool);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, kPlaces);
    CHECK(result<std::string>(co_await fixture.offload("say_hello", "you"s)) == "Hello, you!");
    CHECK(fixture.pool.child_pids().size() == 2);
    co_await cancel_all(tasks);
  });
}

TEST_CASE("a stop ends shared processes by their own exit, hooks included, once for each") {
  ::setenv("TEST_SAYS_STOP", "1", 1);
  PoolFixture fixture(shared(2));
  fixture.run([&]() -> asio::awaitable<void> {
    co_await fixture.pool.start();
    ::unsetenv("TEST_SAYS_STOP");
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, kPlaces + 2);
    co_await fixture.pool.stop();
    for (auto& one : tasks) {
      co_await one.until_ended();
      CHECK(result<std::string>(*one.outcome) == "worker_shutdown");
    }
  });
  CHECK(fixture.pool.child_pids().empty());
  CHECK(fixture.pool.counts().exits == std::map<std::string_view, std::uint64_t>{{"stopped", 2}});
  CHECK(std::ranges::count_if(fixture.log.lines, [](const auto& line) {
          return line.find("a child stops") != std::string::npos;
        }) == 2);
}

TEST_CASE("the zygote dies under shared processes: their tasks fail, and all places come back") {
  PoolFixture fixture(shared(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, 2 * kPlaces);
    ::kill(fixture.pool.zygote_pid(), SIGKILL);
    for (auto& one : tasks) {
      co_await one.until_ended();
      CHECK(type_of(*one.outcome) == "ActivityProcessKilled");
      CHECK(details_of(*one.outcome)["cause"] == "zygote");
    }
    co_await until_full(fixture, 2 * kPlaces);
    CHECK(fixture.pool.counts().exits.at("zygote_died") == 2);
  });
}

TEST_CASE("children that load the modules for themselves have several places, too") {
  auto pool = shared(1);
  pool.program.exec_children = true;
  PoolFixture fixture(pool);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::deque<Running> tasks;
    co_await begin(fixture, tasks, kPlaces);
    std::set<pid_t> processes;
    for (auto& one : tasks) processes.insert(one.handle.pid());
    CHECK(processes.size() == 1);
    co_await cancel_all(tasks);
  });
}
