// SPDX-License-Identifier: MIT
// Random deaths while both shares are at work, more than their children can take at once, and idle children come and go.
#include <doctest/doctest.h>
#include <unistd.h>

#include <random>

#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

namespace {

struct Count {
  int completed = 0, died = 0, refused = 0, wrong = 0;
};

/// Task after task, each with a name of its own, until it is told to stop.
asio::awaitable<void> work(PoolFixture& fixture, Share share, int number, const bool& stop,
                           Count& count, int& running) {
  ++running;
  for (int i = 0; !stop; ++i) {
    const std::string name = std::to_string(number) + "/" + std::to_string(i);
    AttemptHandle handle;
    auto outcome = co_await fixture.call_in(share, handle, "spin", name, i % 4 * 500);
    if (std::holds_alternative<Completed>(outcome)) {
      ++count.completed;
      // A result of another task, or of this one's former life, would show here.
      count.wrong += result<std::string>(outcome) != name;
    } else if (std::holds_alternative<Died>(outcome)) {
      ++count.died;
      count.wrong += type_of(outcome) != "ActivityProcessKilled";
    } else {
      // Only a degraded pool refuses, and only those it has promised nothing.
      ++count.refused;
      count.wrong += share == Share::polled || type_of(outcome) != "WorkerResources";
      co_await supervisor::pause(10ms);
    }
    if (i % 50 == 49) co_await supervisor::pause(std::chrono::milliseconds(number * 3));
  }
  --running;
}

}  // namespace

TEST_CASE("a storm of SIGKILLs over both shares, the zygote included, loses no task and no place") {
  const int kills = from_env("TEMPORAL_TEST_KILLS", 1'000);
  const unsigned seed = static_cast<unsigned>(
      from_env("TEMPORAL_TEST_SEED", int(std::random_device{}() & 0x7fffffff)));
  CAPTURE(seed);
  MESSAGE("seed " << seed);
  auto descriptors = own_descriptors();
  {
    constexpr int kChildren = 2, kOffload = 2;
    auto both = options(kChildren);
    both.offload_children = kOffload;
    both.reap_after = 2ms;
    PoolFixture fixture(both);
    Count polled, offloaded;
    int killed = 0;
    bool stop = false;
    fixture.with_pool([&]() -> asio::awaitable<void> {
      int running = 0;
      auto begin = [&](Share share, int number, Count& count) {
        asio::co_spawn(fixture.io, work(fixture, share, number, stop, count, running),
                       [](std::exception_ptr e) {
                         if (e) std::rethrow_exception(e);
                       });
      };
      for (int i = 0; i < kChildren + 1; ++i) begin(Share::polled, i, polled);
      for (int i = 0; i < kOffload + 2; ++i) begin(Share::offload, 10 + i, offloaded);
      std::mt19937 random(seed);
      pid_t last = 0;
      int seen = 0, in_vain = 0;
      while (killed < kills) {
        // A pool that completes nothing any more backs off, and is another test's.
        const int completed = polled.completed + offloaded.completed;
        if (completed != std::exchange(seen, completed)) in_vain = 0;
        auto pids = fixture.pool.child_pids();
        std::erase(pids, 0);
        CHECK(pids.size() <= kChildren + kOffload + 1);  // one may be leaving
        pid_t chosen = pids.empty() ? 0 : pids[random() % pids.size()];
        if (random() % 100 == 0) chosen = fixture.pool.zygote_pid();
        if (in_vain < kChildren + kOffload && chosen != 0 &&
            chosen != std::exchange(last, chosen) && alive(chosen) && ::kill(chosen, SIGKILL) == 0)
          ++killed, ++in_vain;
        co_await supervisor::pause(std::chrono::microseconds(random() % 4'000));
      }
      stop = true;
      while (running > 0) co_await supervisor::pause(1ms);
      co_await until_full(fixture, kChildren);
      while (fixture.pool.child_pids().size() != kChildren) co_await supervisor::pause(1ms);
      CHECK(result<std::string>(co_await fixture.offload("say_hello", "World"s)) ==
            "Hello, World!");
    });
    for (const auto* count : {&polled, &offloaded}) {
      CHECK(count->wrong == 0);
      CHECK(count->completed > 0);
      CHECK(count->died > 0);
    }
    MESSAGE(killed << " kills; polled: " << polled.completed << " completed, " << polled.died
                   << " died; offloaded: " << offloaded.completed << " completed, "
                   << offloaded.died << " died, " << offloaded.refused << " refused");
    for (const auto& line : fixture.log.lines)
      if (line.find("garbage") != std::string::npos || line.find("hands") != std::string::npos)
        FAIL_CHECK(line);
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}
