// SPDX-License-Identifier: MIT
#include "supervisor/tasks/pollers.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/fake_server/fake_clock.hpp"
#include "tests/supervisor/rpc/run.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::test::run;
using temporal::test::settle;
namespace asio = boost::asio;

namespace {

struct World {
  asio::io_context loop;
  Wakeup answer{loop.get_executor()};
  Pollers pollers{loop.get_executor()};
  int turns = 0;
  int open = 0;
  std::string failure;

  Pollers::Turn turn() {
    return [this]() -> asio::awaitable<void> {
      struct Open {
        int& count;
        ~Open() { --count; }
      };
      ++turns;
      ++open;
      const Open counted{open};
      co_await answer.wait();
    };
  }
  Pollers::Failed failed() {
    return [this](const std::exception_ptr& error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        failure += e.what();
      }
    };
  }
};

}  // namespace

TEST_CASE("as many turns as pollers are open at all times") {
  World world;
  world.pollers.start(3, world.turn(), world.failed());
  settle(world.loop);
  CHECK(world.open == 3);
  for (int i = 0; i < 10; ++i) {
    world.answer.notify();
    settle(world.loop);
    CHECK(world.open == 3);
  }
  CHECK(world.turns == 33);
  run(world.loop, world.pollers.end(0s));
}

TEST_CASE("polls that end by themselves are waited for, and none follows") {
  World world;
  world.pollers.start(2, world.turn(), world.failed());
  settle(world.loop);
  bool ended = false;
  asio::co_spawn(world.loop, world.pollers.end(1h),
                 [&](const std::exception_ptr&) { ended = true; });
  settle(world.loop);
  CHECK_FALSE(ended);
  CHECK(world.open == 2);
  world.answer.notify();
  settle(world.loop);
  CHECK(ended);
  CHECK(world.open == 0);
  CHECK(world.turns == 2);
}

TEST_CASE("polls that outlast the patience are cancelled, which is no failure") {
  World world;
  world.pollers.start(2, world.turn(), world.failed());
  settle(world.loop);
  run(world.loop, world.pollers.end(1ms));
  CHECK(world.open == 0);
  CHECK(world.turns == 2);
  CHECK(world.failure.empty());
}

TEST_CASE("LC10 a pause ends open polls, and none follows until it is over") {
  World world;
  world.pollers.start(2, world.turn(), world.failed());
  settle(world.loop);
  CHECK(world.pollers.polling());
  world.pollers.pause();
  CHECK_FALSE(world.pollers.polling());
  settle(world.loop);
  CHECK(world.open == 0);
  CHECK(world.pollers.open() == 0);
  world.pollers.pause();
  world.answer.notify();
  settle(world.loop);
  CHECK(world.turns == 2);

  world.pollers.resume();
  settle(world.loop);
  CHECK(world.open == 2);
  CHECK(world.turns == 4);
  world.answer.notify();
  settle(world.loop);
  CHECK_MESSAGE(world.turns == 6, "they go on as before");

  // At once, while the polls are still being ended.
  world.pollers.pause();
  world.pollers.resume();
  settle(world.loop);
  CHECK(world.open == 2);
  CHECK(world.turns == 8);
  world.pollers.resume();
  settle(world.loop);
  CHECK(world.open == 2);
  run(world.loop, world.pollers.end(0s));
  CHECK(world.open == 0);
  CHECK(world.failure.empty());
}

TEST_CASE("LC10 there may be more polls of a kind, and fewer, while they are open") {
  World world;
  int others = 0;
  const auto other = [&]() -> asio::awaitable<void> {
    ++others;
    co_await world.answer.wait();
  };
  world.pollers.start(1, world.turn(), world.failed());
  world.pollers.start(1, other, world.failed());
  settle(world.loop);
  world.pollers.resize(0, 4);
  settle(world.loop);
  CHECK(world.open == 4);
  CHECK(others == 1);
  world.pollers.resize(0, 2);
  settle(world.loop);
  CHECK(world.open == 2);
  CHECK(world.pollers.open() == 3);
  world.answer.notify();
  settle(world.loop);
  CHECK(world.open == 2);

  world.pollers.resize(0, 1);
  world.pollers.resize(0, 3);  // while one of them is still being ended
  settle(world.loop);
  CHECK(world.open == 3);
  world.pollers.pause();
  world.pollers.resize(0, 5);
  settle(world.loop);
  CHECK(world.open == 0);
  world.pollers.resume();
  settle(world.loop);
  CHECK(world.open == 5);
  run(world.loop, world.pollers.end(0s));
  CHECK(world.open == 0);
  CHECK(world.failure.empty());
}

TEST_CASE("LC10 what is paused can be stopped, and starts paused") {
  World world;
  world.pollers.pause();
  world.pollers.start(2, world.turn(), world.failed());
  settle(world.loop);
  CHECK(world.turns == 0);
  run(world.loop, world.pollers.end(1h));
  world.pollers.resume();
  settle(world.loop);
  CHECK(world.turns == 0);
}

TEST_CASE("a poll that fails for good is told, once for each poller") {
  World world;
  const Pollers::Turn turn = []() -> asio::awaitable<void> {
    throw std::runtime_error("denied ");
    co_return;
  };
  world.pollers.start(2, turn, world.failed());
  settle(world.loop);
  CHECK(world.failure == "denied denied ");
  run(world.loop, world.pollers.end(1h));  // nothing is left to wait for
}

TEST_CASE("a gate is empty when all who entered have left") {
  asio::io_context loop;
  Gate gate(loop.get_executor());
  run(loop, gate.empty());
  bool empty = false;
  {
    auto first = gate.enter();
    std::optional<Gate::Pass> second(gate.enter());
    asio::co_spawn(loop, gate.empty(), [&](const std::exception_ptr&) { empty = true; });
    settle(loop);
    CHECK(gate.inside() == 2);
    second.reset();
    settle(loop);
    CHECK_FALSE(empty);
    const auto moved = std::move(first);
    CHECK(gate.inside() == 1);
  }
  CHECK(gate.inside() == 0);
  settle(loop);
  CHECK(empty);
}

TEST_CASE("what comes in time is in time; what does not is cancelled; what fails, fails") {
  asio::io_context loop;
  Gate gate(loop.get_executor());
  CHECK(run(loop, within(1h, gate.empty())));
  const auto pass = gate.enter();
  CHECK_FALSE(run(loop, within(1ms, gate.empty())));
  const auto fails = []() -> asio::awaitable<void> {
    throw std::runtime_error("no");
    co_return;
  };
  CHECK_THROWS_WITH(run(loop, within(1h, fails())), "no");
}
