// SPDX-License-Identifier: MIT
// What a death costs: the one task in hand, with its cause, and nothing else.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <random>

#include "shared/faults.hpp"
#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

TEST_CASE("kill -9 of a busy child fails its task as ActivityProcessKilled, and nothing else") {
  PoolFixture fixture(options(3));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::array<Running, 3> running{Running(fixture.io), Running(fixture.io), Running(fixture.io)};
    for (auto& one : running) one.start(fixture, "beat_and_wait", 5);
    for (auto& one : running) co_await one.until_beaten();
    ::kill(running[1].handle.pid(), SIGKILL);
    co_await running[1].until_ended();

    const Outcome& outcome = *running[1].outcome;
    CHECK(std::holds_alternative<Died>(outcome));
    CHECK_FALSE(std::get<Died>(outcome).killed_here);
    CHECK(type_of(outcome) == "ActivityProcessKilled");
    CHECK_FALSE(failure(outcome).application_failure_info().non_retryable());
    auto details = details_of(outcome);
    CHECK(details["pid"] == running[1].handle.pid());
    CHECK(details["signal"] == SIGKILL);
    CHECK(details["exit_code"].is_null());
    CHECK(details["uptime_ms"].get<int>() >= 0);
    CHECK(details["task_ms"].get<int>() >= 0);
    CHECK(details["maxrss_kb"].get<int>() > 0);
    // What it published before it died counts.
    auto beat = running[1].take();
    REQUIRE(beat);
    CHECK(beat->details == "5");

    co_await until_full(fixture, 3);
    CHECK_FALSE(running[0].outcome);
    CHECK_FALSE(running[2].outcome);
    for (int i : {0, 2})
      running[static_cast<std::size_t>(i)].handle.cancel(CancelReason::requested);
    for (int i : {0, 2}) {
      auto& one = running[static_cast<std::size_t>(i)];
      co_await one.until_ended();
      CHECK(result<std::string>(*one.outcome) == "requested");
    }
  });
}

TEST_CASE("a crash, an exit and an abort are told apart, with the last lines printed") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    auto outcome = co_await fixture.call("crash");
    CHECK(type_of(outcome) == "ActivityProcessCrashed");
    CHECK(details_of(outcome)["signal"] == SIGSEGV);
    CHECK(failure(outcome).message().find("SIGSEGV") != std::string::npos);

    outcome = co_await fixture.call("exit_with", 0);
    CHECK(type_of(outcome) == "ActivityProcessExited");
    CHECK(details_of(outcome)["exit_code"] == 0);
    CHECK(details_of(outcome)["signal"].is_null());
    outcome = co_await fixture.call("exit_with", 155);
    CHECK(type_of(outcome) == "ActivityProcessExited");

    outcome = co_await fixture.call("print_and_abort", "its last words"s);
    CHECK(type_of(outcome) == "ActivityProcessCrashed");
    CHECK(details_of(outcome)["signal"] == SIGABRT);
    CHECK(details_of(outcome)["stderr_tail"].get<std::string>().find("its last words") !=
          std::string::npos);
    CHECK(result<std::string>(co_await fixture.call("say_hello", "you"s)) == "Hello, you!");
  });
}

TEST_CASE(
    "a crash is told by names: of what was thrown, and of the frames, as they lie in this process" *
    doctest::skip(!kCrashesAreOurs)) {
  auto pool = options(1);
  std::vector<std::vector<std::uintptr_t>> stacks;
  pool.name_stack = [&](std::vector<std::uintptr_t> frames, std::function<void(NamedStack)> done) {
    stacks.push_back(std::move(frames));
    done({{"crash at test_module.cpp:1", "main"}, "crash at test_module.cpp:1"});
  };
  PoolFixture fixture(std::move(pool));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    auto outcome = co_await fixture.call("crash");
    CHECK(failure(outcome).message().ends_with(
        "crashed: killed by SIGSEGV in crash at test_module.cpp:1"));
    CHECK(failure(outcome).stack_trace() == "crash at test_module.cpp:1\nmain\n");
    CHECK(details_of(outcome)["stack_overflow"] == false);

    outcome = co_await fixture.call("throw_where_nobody_may", "no more"s);
    CHECK(type_of(outcome) == "ActivityProcessCrashed");
    CHECK(failure(outcome).message().ends_with("; std::runtime_error: no more"));
  });
  REQUIRE(stacks.size() == 2);
  for (const auto& stack : stacks) {
    REQUIRE(stack.size() > 2);
    // What both processes loaded: the child's raise() is found in the C library of this one.
    Dl_info object{};
    REQUIRE(::dladdr(reinterpret_cast<void*>(stack.front()), &object) != 0);
    CHECK(std::string_view(object.dli_fname).find("libc.so") != std::string_view::npos);
  }
}

TEST_CASE("what an activity forks dies of its own signal, and tells nobody of it") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const auto outcome = co_await fixture.call("status_of_a_fork_that_aborts");
    CHECK(result<int>(outcome) == SIGABRT);
  });
}

TEST_CASE("a child that spoils the shared memory is killed, and what it may only read kills it") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    auto outcome = co_await fixture.call("spoil_memory", "up"s);
    CHECK(type_of(outcome) == "ActivityProcessCorrupt");
    CHECK(failure(outcome).message().find("garbage") != std::string::npos);
    outcome = co_await fixture.call("spoil_memory", "down"s);
    CHECK(type_of(outcome) == "ActivityProcessCrashed");
    CHECK(details_of(outcome)["signal"] == SIGSEGV);
    CHECK(result<std::string>(co_await fixture.call("say_hello", "you"s)) == "Hello, you!");
  });
}

TEST_CASE("an idle child that is killed costs nothing but its replacement") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    auto before = fixture.pool.child_pids();
    for (pid_t pid : before) ::kill(pid, SIGKILL);
    // The task is given to whoever lives by then, even if a dead one was chosen first.
    CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
    co_await until_full(fixture, 2);
    for (pid_t pid : before) CHECK(std::ranges::count(fixture.pool.child_pids(), pid) == 0);
  });
}

TEST_CASE("terminating a task sends SIGTERM, and SIGKILL to what ignores it") {
  auto quick = options(1);
  quick.child.term_grace = 50ms;
  PoolFixture fixture(quick);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running polite(fixture.io);
    polite.start(fixture, "beat_and_wait", 1);
    co_await polite.until_beaten();
    polite.handle.terminate(KillReason::timed_out);
    co_await polite.until_ended();
    CHECK(std::get<Died>(*polite.outcome).killed_here);
    CHECK(details_of(*polite.outcome)["signal"] == SIGTERM);

    Running deaf(fixture.io);
    deaf.start(fixture, "ignore_everything");
    co_await deaf.until_beaten();
    deaf.handle.terminate(KillReason::timed_out);
    co_await deaf.until_ended();
    CHECK(std::get<Died>(*deaf.outcome).killed_here);
    CHECK(details_of(*deaf.outcome)["signal"] == SIGKILL);

    // Killed because it did not comply: for Temporal that is a cancellation all the same.
    Running unwilling(fixture.io);
    unwilling.start(fixture, "ignore_everything");
    co_await unwilling.until_beaten();
    unwilling.handle.terminate(KillReason::cancelled);
    co_await unwilling.until_ended();
    CHECK(std::get<Canceled>(*unwilling.outcome).details.payloads(0).data() ==
          "\"killed after grace\"");

    const auto counts = fixture.pool.counts();
    CHECK(counts.of_children.terms == 3);
    CHECK(counts.of_children.kills == 2);
    CHECK(counts.exits.at("timed_out") == 2);
    CHECK(counts.exits.at("cancelled") == 1);
    CHECK(counts.zygotes == 1);

    // One that has no child yet just ends.
    Running holder(fixture.io), waiting(fixture.io);
    holder.start(fixture, "beat_and_wait", 1);
    co_await holder.until_beaten();
    waiting.start(fixture, "no_op");
    waiting.handle.terminate(KillReason::cancelled);
    co_await waiting.until_ended();
    CHECK_FALSE(holder.outcome);
    holder.handle.cancel(CancelReason::requested);
    co_await holder.until_ended();
  });
}

TEST_CASE("a storm of SIGKILLs loses no task, doubles none, and touches no bystander") {
  const int kills = from_env("TEMPORAL_TEST_KILLS", 1'000);
  const unsigned seed = static_cast<unsigned>(
      from_env("TEMPORAL_TEST_SEED", int(std::random_device{}() & 0x7fffffff)));
  CAPTURE(seed);
  MESSAGE("seed " << seed);
  auto descriptors = own_descriptors();
  {
    constexpr int kChildren = 4;
    PoolFixture fixture(options(kChildren));
    int killed = 0, completed = 0, died = 0, other = 0, wrong = 0;
    bool stop = false;
    fixture.with_pool([&]() -> asio::awaitable<void> {
      int running = 0;
      auto load = [&](int number) -> asio::awaitable<void> {
        ++running;
        for (int i = 0; !stop; ++i) {
          const std::string name = std::to_string(number) + "/" + std::to_string(i);
          auto outcome = co_await fixture.call("spin", name, i % 4 * 500);
          if (std::holds_alternative<Completed>(outcome)) {
            ++completed;
            // A result of another task, or of this one's former life, would show here.
            wrong += result<std::string>(outcome) != name;
          } else if (std::holds_alternative<Died>(outcome)) {
            ++died;
            wrong += type_of(outcome) != "ActivityProcessKilled";
          } else {
            ++other;
          }
        }
        --running;
      };
      for (int i = 0; i < kChildren; ++i)
        asio::co_spawn(fixture.io, load(i), [](std::exception_ptr e) {
          if (e) std::rethrow_exception(e);
        });
      std::mt19937 random(seed);
      pid_t last = 0;
      int seen = 0, in_vain = 0;
      while (killed < kills) {
        auto pids = fixture.pool.child_pids();
        std::erase(pids, 0);
        // A pool that completes nothing any more backs off, and is another test's.
        if (completed != std::exchange(seen, completed)) in_vain = 0;
        // Each process once: the dead are not counted again.
        const pid_t chosen =
            pids.empty() || in_vain == kChildren ? 0 : pids[random() % pids.size()];
        if (chosen != 0 && chosen != std::exchange(last, chosen) && alive(chosen) &&
            ::kill(chosen, SIGKILL) == 0)
          ++killed, ++in_vain;
        co_await supervisor::pause(std::chrono::microseconds(random() % 4'000));
      }
      stop = true;
      while (running > 0) co_await supervisor::pause(1ms);
      co_await until_full(fixture, kChildren);
    });
    CHECK(wrong == 0);
    CHECK(other == 0);
    CHECK(died <= killed);
    CHECK(completed > 0);
    CHECK(died > 0);
    MESSAGE(killed << " kills, " << completed << " completed, " << died << " died");
    for (const auto& line : fixture.log.lines)
      if (line.find("garbage") != std::string::npos || line.find("hands") != std::string::npos)
        FAIL_CHECK(line);
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("a result published before the death counts") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (int i = 0; i < 50; ++i) {
      Running running(fixture.io);
      running.start(fixture, "own_pid");
      co_await running.until_started();
      const pid_t pid = running.handle.pid();
      // Without the loop running: the result lies in the ring, and then the process dies.
      while (!fixture.pool.answer_waits()) ::usleep(50);
      ::kill(pid, SIGKILL);
      while (alive(pid)) ::usleep(50);
      co_await running.until_ended();
      CHECK(result<int>(*running.outcome) == pid);
      // Without a pidfd its result may be seen before its death.
      while (std::ranges::count(fixture.pool.child_pids(), pid) > 0)
        co_await supervisor::pause(1ms);
      co_await until_full(fixture, 1);
    }
  });
}

TEST_CASE("kill -9 of the zygote takes its children along, and the pool comes back") {
  auto descriptors = own_descriptors();
  {
    PoolFixture fixture(options(2));
    fixture.with_pool([&]() -> asio::awaitable<void> {
      const pid_t zygote = fixture.pool.zygote_pid();
      Running running(fixture.io);
      running.start(fixture, "beat_and_wait", 9);
      co_await running.until_beaten();
      auto before = fixture.pool.child_pids();
      ::kill(zygote, SIGKILL);
      co_await running.until_ended();
      CHECK(type_of(*running.outcome) == "ActivityProcessKilled");
      CHECK(details_of(*running.outcome)["cause"] == "zygote");
      CHECK(details_of(*running.outcome)["signal"] == SIGKILL);
      for (pid_t pid : before) co_await until_dead(pid);
      co_await until_full(fixture, 2);
      CHECK(fixture.pool.zygote_pid() != zygote);
      CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
    });
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("what an activity left running in a session of its own dies with its child") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (bool kill_zygote : {false, true}) {
      CAPTURE(kill_zygote);
      Running running(fixture.io), bystander(fixture.io);
      running.start(fixture, "start_daemon");
      co_await running.until_beaten();
      const pid_t daemon = std::stoi(running.take()->details);
      bystander.start(fixture, "start_daemon");
      co_await bystander.until_beaten();
      const pid_t other = std::stoi(bystander.take()->details);
      REQUIRE(alive(daemon));
      ::kill(kill_zygote ? fixture.pool.zygote_pid() : running.handle.pid(), SIGKILL);
      co_await running.until_ended();
      co_await until_dead(daemon);
      if (!kill_zygote) {
        CHECK(alive(other));  // a neighbour's is spared
        ::kill(bystander.handle.pid(), SIGKILL);
      }
      co_await bystander.until_ended();
      co_await until_dead(other);
      co_await until_full(fixture, 2);
    }
  });
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("what dies in a child's group, its zygote dead, is reaped") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running running(fixture.io);
    running.start(fixture, "start_helper");
    co_await running.until_beaten();
    const pid_t helper = std::stoi(running.take()->details);
    ::kill(fixture.pool.zygote_pid(), SIGKILL);
    co_await running.until_ended();
    co_await until_dead(helper);
    co_await until_full(fixture, 2);
  });
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("children that die as fast as they are replaced make the pool take no more tasks") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    int crashes = 0;
    while (!fixture.pool.degraded()) {
      (void)co_await fixture.call("exit_with", 1);
      ++crashes;
    }
    CHECK(crashes == 6);  // max(5, 2 x children), and one more
    CHECK(fixture.pool.capacity() == 0);
    // It keeps trying, and one completed task is enough.
    CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
    CHECK_FALSE(fixture.pool.degraded());
    CHECK(fixture.pool.capacity() == 1);
  });
}

TEST_CASE(
    "after each delay a degraded pool takes one task more, and is whole when it is completed") {
  PoolFixture fixture(options(3));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running beside(fixture.io);
    beside.start(fixture, "beat_and_wait", 1);
    co_await beside.until_beaten();
    while (!fixture.pool.degraded()) (void)co_await fixture.call("exit_with", 1);
    for (int tries = 0; tries < 2; ++tries) {
      CHECK(fixture.pool.capacity() == 0);
      while (fixture.pool.capacity() == 0) co_await supervisor::pause(1ms);
      CHECK(fixture.pool.degraded());
      CHECK(fixture.pool.capacity() == 2);  // that which runs, and one
      Running tried(fixture.io);
      if (tries == 0)
        tried.start(fixture, "exit_with", 1);
      else
        tried.start(fixture, "no_op");
      co_await tried.until_ended();
    }
    CHECK_FALSE(fixture.pool.degraded());
    co_await until_full(fixture, 3);
    CHECK_FALSE(beside.outcome);
    beside.handle.cancel(CancelReason::requested);
    co_await beside.until_ended();
  });
}
