// SPDX-License-Identifier: MIT
// AX31: a reload, and somebody dies or stops meanwhile.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <set>

#include "shared/faults.hpp"
#include "shared/module_loader.hpp"
#include "tests/supervisor/children/reload_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

TEST_CASE("a stop in the middle of a reload waits for neither the module nor its first child") {
  for (const auto& where : {"hang"s, "hang in a child"s}) {
    CAPTURE(where);
    ModuleFile module;
    PoolFixture fixture(options_with(module, 2));
    std::optional<Reload> pending;
    std::chrono::steady_clock::time_point begun;
    fixture.with_pool([&]() -> asio::awaitable<void> {
      module.order(where);
      pending.emplace(fixture);
      (void)co_await module.until_it_hangs();
      begun = std::chrono::steady_clock::now();
    });
    // Neither the 2 s of a zygote that does not end nor the 10 s of a child that is not ready.
    CHECK(std::chrono::steady_clock::now() - begun < 2s);
    CHECK(pending->refused == "the worker is stopping");
    CHECK(children_of(::getpid()).empty());
  }
}

TEST_CASE("a zygote that dies in the middle of a reload costs its own generation only") {
  ModuleFile module;
  PoolFixture fixture(options_with(module, 2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    // The new one.
    module.put(2);
    module.order("hang");
    Reload first(fixture);
    const pid_t loading = co_await module.until_it_hangs();
    ::kill(loading, SIGKILL);
    const auto no_zygote = co_await first.until_ended();
    CHECK(no_zygote == "its zygote killed by SIGKILL");
    co_await expect_answer(fixture, 1);
    CHECK(fixture.pool.counts().exits.empty());

    // Its first child.
    module.order("hang in a child");
    Reload second(fixture);
    const pid_t starting = co_await module.until_it_hangs();
    ::kill(starting, SIGKILL);
    const auto no_child = co_await second.until_ended();
    CHECK(no_child == "its first child killed by SIGKILL before it was ready");
    co_await until_one_generation(fixture, 2);
    CHECK_FALSE(fixture.pool.degraded());

    // The old one: there are children again, of the file as it is now, before the reload is through.
    module.order("hang");
    Reload third(fixture);
    (void)co_await module.until_it_hangs();
    module.order_nothing();
    Running held(fixture.io);
    held.start(fixture, "generation_when_cancelled");
    co_await held.until_beaten();
    ::kill(fixture.pool.zygote_pid(), SIGKILL);
    co_await held.until_ended();
    CHECK(type_of(*held.outcome) == "ActivityProcessKilled");
    CHECK(details_of(*held.outcome)["cause"] == "zygote");
    co_await expect_answer(fixture, 2);
    CHECK(fixture.log.contain("has loaded changed modules"));
    CHECK_FALSE(third.refused);
    Reload fourth(fixture);
    const auto refused = co_await fourth.until_ended();
    CHECK(refused == "");
    co_await until_one_generation(fixture, 2);
  });
}

TEST_CASE("deaths among children of before the reload are theirs, and nobody else's") {
  ModuleFile module;
  PoolFixture fixture(options_with(module, 3));
  std::vector<std::unique_ptr<Running>> held;
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      held.push_back(std::make_unique<Running>(fixture.io));
      held.back()->start(fixture, "generation_when_cancelled");
      co_await held.back()->until_beaten();
    }
    const pid_t old_zygote = fixture.pool.zygote_pid();
    module.put(2);
    co_await expect_reload(fixture);

    ::kill(held[0]->handle.pid(), SIGKILL);
    co_await held[0]->until_ended();
    CHECK(type_of(*held[0]->outcome) == "ActivityProcessKilled");
    co_await expect_answer(fixture, 2);
    CHECK(alive(old_zygote));

    const pid_t zygote = fixture.pool.zygote_pid();
    ::kill(old_zygote, SIGKILL);
    for (int i = 1; i < 3; ++i) {
      co_await held[i]->until_ended();
      CHECK(type_of(*held[i]->outcome) == "ActivityProcessKilled");
      CHECK(details_of(*held[i]->outcome)["cause"] == "zygote");
    }
    co_await until_one_generation(fixture, 3);
    CHECK(fixture.pool.zygote_pid() == zygote);
    CHECK(fixture.pool.counts().zygotes == 2);
    CHECK_FALSE(fixture.pool.degraded());
    co_await expect_answer(fixture, 2);
  });
}
