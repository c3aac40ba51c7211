// SPDX-License-Identifier: MIT
// Children that load the modules for themselves.
#include <doctest/doctest.h>

#include "shared/faults.hpp"
#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

namespace {

PoolOptions executed(int children, const char* module = "TEST_MODULE") {
  auto pool = options(children, module);
  pool.program.exec_children = true;
  return pool;
}

}  // namespace

TEST_CASE("AX12 executed children do what forked ones do, and are replaced as they are") {
  PoolFixture fixture(executed(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(result<std::string>(co_await fixture.call("say_hello", "you"s)) == "Hello, you!");
    CHECK(result<int>(co_await fixture.call("nice_value")) >= 5);
    const auto before = fixture.pool.child_pids();
    for (const pid_t pid : before) {
      std::string name;
      std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
      CHECK(name == "temporal-child");
    }
    const auto crashed = co_await fixture.call("crash");
    CHECK(type_of(crashed) == "ActivityProcessCrashed");
    co_await until_full(fixture, 2);
    Running running(fixture.io);
    running.start(fixture, "start_daemon");
    co_await running.until_beaten();
    const pid_t daemon = std::stoi(running.take()->details);
    ::kill(running.handle.pid(), SIGKILL);
    co_await running.until_ended();
    CHECK(type_of(*running.outcome) == "ActivityProcessKilled");
    co_await until_dead(daemon);
    co_await until_full(fixture, 2);
    CHECK(result<std::string>(co_await fixture.call("say_hello", "me"s)) == "Hello, me!");
    // Nothing of the zygote's has come along.
    CHECK(result<int>(co_await fixture.call("open_descriptors")) < 12);
  });
}

TEST_CASE("AX12 their stacks are told by where their own code lies" *
          doctest::skip(!kCrashesAreOurs)) {
  auto pool = executed(1);
  std::vector<std::vector<std::uintptr_t>> stacks;
  pool.name_stack = [&](std::vector<std::uintptr_t> frames, std::function<void(NamedStack)> done) {
    stacks.push_back(std::move(frames));
    done({{"crash at test_module.cpp:1"}, "crash at test_module.cpp:1"});
  };
  PoolFixture fixture(std::move(pool));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const auto crashed = co_await fixture.call("crash");
    CHECK(failure(crashed).message().ends_with("in crash at test_module.cpp:1"));
  });
  REQUIRE(stacks.size() == 1);
  CHECK(stacks[0].size() > 2);
}

TEST_CASE("AX12 modules that start threads while they are loaded are no harm to them") {
  PoolFixture fixture(executed(1, "THREADED_MODULE"));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const auto outcome = co_await fixture.call("nothing");
    CHECK(std::holds_alternative<Completed>(outcome));
  });
}

TEST_CASE("AX12 a module that cannot be loaded stops the start with the loader's sentence") {
  auto missing = executed(1);
  missing.program.modules = {"/nowhere/libmissing.so"};
  const auto refused = refused_start(missing);
  CHECK(refused.sentence.find("/nowhere/libmissing.so") != std::string::npos);
  CHECK(refused.module);
  CHECK(children_of(::getpid()).empty());
}
