// SPDX-License-Identifier: MIT
// AX31: new code for new tasks, while the old code finishes what it has in hand; or everything as it was.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <set>

#include "shared/faults.hpp"
#include "shared/ipc/memory.hpp"
#include "shared/module_loader.hpp"
#include "tests/supervisor/children/reload_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

TEST_CASE("AX31 new tasks go to the new code, the old finishes what it has, and its zygote ends") {
  const auto descriptors = own_descriptors();
  {
    ModuleFile module;
    PoolFixture fixture(options_with(module, 3));
    Running held(fixture.io);
    fixture.with_pool([&]() -> asio::awaitable<void> {
      held.start(fixture, "generation_when_cancelled");
      co_await held.until_beaten();
      co_await expect_answer(fixture, 1);
      const pid_t old_zygote = fixture.pool.zygote_pid();
      const auto old = fixture.pool.child_pids();
      module.put(2);
      co_await expect_reload(fixture);
      CHECK(fixture.pool.zygote_pid() != old_zygote);
      for (int i = 0; i < 20; ++i) co_await expect_answer(fixture, 2);
      co_await until_full(fixture, 3);
      // Idle ones are gone, the one at work is there, and there are no more than before.
      while (fixture.pool.child_pids().size() > 3) co_await supervisor::pause(1ms);
      for (pid_t pid : old) CHECK(alive(pid) == (pid == held.handle.pid()));
      CHECK(alive(old_zygote));
      CHECK_FALSE(held.outcome);

      held.handle.cancel(CancelReason::requested);
      co_await held.until_ended();
      CHECK(result<int>(*held.outcome) == 1);
      co_await until_one_generation(fixture, 3);
      CHECK_FALSE(alive(old_zygote));
      co_await expect_answer(fixture, 2);
      const auto counts = fixture.pool.counts();
      CHECK(counts.reloads == 1);
      CHECK(counts.refused_reloads == 0);
      CHECK(counts.zygotes == 2);
      CHECK(counts.exits == std::map<std::string_view, std::uint64_t>{{"reloaded", 3}});
      CHECK(fixture.log.contain("new tasks go to the modules as they are now"));
      // What is denied here is said at the start.
      if (ipc::memory_can_be_sealed()) CHECK_FALSE(fixture.log.contain("warn "));
      CHECK_FALSE(fixture.log.contain("error "));
    });
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("AX31 a module that cannot serve leaves the old code serving, and the log says why") {
  ModuleFile module;
  PoolFixture fixture(options_with(module, 2));
  Running held(fixture.io);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    held.start(fixture, "generation_when_cancelled");
    co_await held.until_beaten();
    const pid_t zygote = fixture.pool.zygote_pid();
    const auto children = fixture.pool.child_pids();
    const std::map<std::string, std::string> reasons{
        {"helper", "its module function threw: no helper today"},
        {"load", "its module function threw: no load today"},
        {"preload", "a hook of preload threw: no preload today"},
        {"object", "its constructor threw: no object today"},
        {"start",
         "its first child exited with code 3 before it was ready: a hook of on_child_start"},
        {"less", "activity 'generation'"},
        {"gone", "generation.so: No such file or directory"}};
    for (const auto& [word, reason] : reasons) {
      CAPTURE(word);
      module.put(2);
      module.order(word);
      if (word == "gone") module.take_away();
      fixture.log.lines.clear();
      const auto refused = co_await reload(fixture);
      CHECK_MESSAGE(contains(refused, reason), refused);
      CHECK(fixture.log.contain(reason));
      CHECK(fixture.log.contain("the reload is refused"));
      CHECK(fixture.log.contain("\"build\":\""));
      if (word == "start") CHECK(fixture.log.contain("\"refused_build\":\""));
      if (word == "less") CHECK(contains(refused, "(build "));
      CHECK(fixture.pool.capacity() == 2);
      CHECK_FALSE(fixture.pool.degraded());
      CHECK(fixture.pool.zygote_pid() == zygote);
      co_await expect_answer(fixture, 1);
      co_await until_one_generation(fixture, 2);
    }
    CHECK(fixture.pool.child_pids() == children);
    CHECK(fixture.pool.counts().refused_reloads == reasons.size());
    module.put(2);
    module.order_nothing();
    co_await expect_reload(fixture);
    co_await expect_answer(fixture, 2);
    CHECK_FALSE(held.outcome);
    held.handle.cancel(CancelReason::requested);
    co_await held.until_ended();
    CHECK(result<int>(*held.outcome) == 1);
  });
}

TEST_CASE(
    "a new generation must offer what coroutines hand over and the catch-all, and may offer more") {
  ModuleFile module;
  auto asked = options_with(module, 1);
  asked.program.needs.functions = {"decode"};
  asked.program.needs.catch_all = true;
  {
    PoolFixture fixture(asked);
    fixture.with_pool([&]() -> asio::awaitable<void> {
      const auto refused = co_await reload(fixture);
      CHECK_MESSAGE(contains(refused, "children: the catch-all activity, function 'decode'; put"),
                    refused);
    });
  }
  PoolFixture fixture(options_with(module, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    module.order("more");
    co_await expect_reload(fixture);
    const auto news = co_await fixture.call("news");
    CHECK(result<int>(news) == 1);
  });
}

TEST_CASE("a second reload takes the place of one that is not through, and there are never two") {
  ModuleFile module;
  PoolFixture fixture(options_with(module, 2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    module.order("hang");
    Reload first(fixture);
    const pid_t hanging = co_await module.until_it_hangs();
    co_await expect_answer(fixture, 1);
    module.put(2);
    module.order_nothing();
    Reload second(fixture);
    CHECK(first.refused == "another reload has taken its place");
    const auto refused = co_await second.until_ended();
    CHECK(refused == "");
    co_await expect_answer(fixture, 2);
    co_await until_one_generation(fixture, 2);
    CHECK_FALSE(alive(hanging));

    // As fast as they can be asked for: the last one counts.
    std::vector<std::unique_ptr<Reload>> many;
    module.put(1);
    for (int i = 0; i < 10; ++i) many.push_back(std::make_unique<Reload>(fixture));
    const auto last = co_await many.back()->until_ended();
    CHECK(last == "");
    for (std::size_t i = 0; i + 1 < many.size(); ++i) CHECK(many[i]->refused != "");
    co_await expect_answer(fixture, 1);
    co_await until_one_generation(fixture, 2);
    CHECK(fixture.pool.counts().reloads == 2);
    CHECK(fixture.pool.counts().refused_reloads == 0);
    CHECK_FALSE(fixture.log.contain("error "));
  });
}

TEST_CASE("a reload while the pool starts comes after the start") {
  ModuleFile module;
  PoolFixture fixture(options_with(module, 2));
  std::unique_ptr<Reload> early, second;
  fixture.run([&]() -> asio::awaitable<void> {
    asio::co_spawn(fixture.io, fixture.pool.start(), asio::detached);
    while (fixture.pool.zygote_pid() == 0) co_await supervisor::pause(1ms);
    module.put(2);
    early = std::make_unique<Reload>(fixture);
    second = std::make_unique<Reload>(fixture);
    CHECK(early->refused == "another reload has taken its place");
    const auto refused = co_await second->until_ended();
    CHECK(refused == "");
    CHECK(fixture.pool.counts().reloads == 1);
    co_await expect_answer(fixture, 2);
    co_await fixture.pool.stop();
  });
}

TEST_CASE("where nothing can be reloaded, a reload says why") {
  ModuleFile module;
  SUBCASE("before the start, and after the stop") {
    PoolFixture fixture(options_with(module, 1));
    const Reload early(fixture);
    CHECK(early.refused == "the children are not started, or stop");
    fixture.with_pool([]() -> asio::awaitable<void> { co_return; });
    const Reload late(fixture);
    CHECK(late.refused == "the children are not started, or stop");
  }
  SUBCASE("without children") {
    PoolFixture fixture(options_with(module, 0));
    fixture.with_pool([&]() -> asio::awaitable<void> {
      const auto refused = co_await reload(fixture);
      CHECK(refused == "this worker has no children");
    });
  }
  SUBCASE("a program that brings its modules itself") {
    auto own = options_with(module, 1);
    own.program.modules.clear();
    PoolFixture fixture(own);
    fixture.with_pool([&]() -> asio::awaitable<void> {
      const auto refused = co_await reload(fixture);
      CHECK(contains(refused, "restart it"));
      CHECK(fixture.log.contain("restart it"));
      CHECK(fixture.pool.counts().zygotes == 1);
    });
  }
}

TEST_CASE("what coroutines hand over goes to the new code too") {
  ModuleFile module;
  auto shared = options_with(module, 0);
  shared.offload_children = 2;
  PoolFixture fixture(shared);
  Running held(fixture.io, Share::offload);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    held.start(fixture, "generation_when_cancelled");
    co_await held.until_beaten();
    module.put(2);
    co_await expect_reload(fixture);
    const auto after = co_await fixture.offload("generation");
    CHECK(result<int>(after) == 2);
    held.handle.cancel(CancelReason::requested);
    co_await held.until_ended();
    CHECK(result<int>(*held.outcome) == 1);
    while (children_of(::getpid()).size() > 1) co_await supervisor::pause(1ms);
  });
}

TEST_CASE("a reload mends a pool whose children do not start") {
  ModuleFile module;
  PoolFixture fixture(options_with(module, 2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    module.order("start");
    for (pid_t pid : fixture.pool.child_pids()) ::kill(pid, SIGKILL);
    while (!fixture.pool.degraded()) co_await supervisor::pause(1ms);
    CHECK(fixture.pool.capacity() == 0);
    const auto refused = co_await reload(fixture);
    CHECK(contains(refused, "no start today"));
    CHECK(fixture.pool.degraded());
    module.put(2);
    module.order_nothing();
    co_await expect_reload(fixture);
    CHECK_FALSE(fixture.pool.degraded());
    co_await until_full(fixture, 2);
    co_await expect_answer(fixture, 2);
  });
}

TEST_CASE("names of a crash come from the code that crashed, or there are none") {
  if (!kCrashesAreOurs) {
    MESSAGE("skipped: a sanitizer handles crashes");
    return;
  }
  ModuleFile module;
  const auto before = loaded_objects();
  Module registry;
  load_module(module.path(), registry);
  std::set<std::string> known;
  for (const auto& object : before) known.insert(object.build_id);
  const auto objects = loaded_objects();
  const auto here = std::ranges::find_if(
      objects, [&](const auto& object) { return !known.contains(object.build_id); });
  REQUIRE(here != objects.end());

  std::ptrdiff_t in_module = -1;
  auto named = options_with(module, 1);
  named.name_stack = [&](std::vector<std::uintptr_t> frames, std::function<void(NamedStack)> done) {
    in_module = std::ranges::count_if(
        frames, [&](auto address) { return here->begin <= address && address < here->end; });
    done({});
  };
  PoolFixture fixture(named);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const auto old = co_await fixture.call("crash_in_generation");
    CHECK(type_of(old) == "ActivityProcessCrashed");
    CHECK(in_module > 0);
    module.put(2);
    co_await expect_reload(fixture);
    in_module = 0;
    const auto fresh = co_await fixture.call("crash_in_generation");
    CHECK(type_of(fresh) == "ActivityProcessCrashed");
    CHECK(in_module == 0);
  });
}
