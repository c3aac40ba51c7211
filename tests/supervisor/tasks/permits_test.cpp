// SPDX-License-Identifier: MIT
#include "supervisor/tasks/permits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <list>
#include <optional>

#include "tests/fake_server/fake_clock.hpp"

using namespace temporal::supervisor;
using temporal::test::settle;
namespace asio = boost::asio;

namespace {

// Somebody who wants a place.
struct Waiter {
  Waiter(asio::io_context& loop, Permits& permits) {
    asio::co_spawn(
        loop, permits.acquire(),
        asio::bind_cancellation_slot(stop.slot(), [this](std::exception_ptr error, Permit given) {
          aborted = error != nullptr;
          if (!aborted) permit = std::move(given);
        }));
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  [[nodiscard]] bool served() const { return bool(permit); }

  asio::cancellation_signal stop;
  Permit permit;
  bool aborted = false;
};

struct World {
  asio::io_context loop;
  Permits permits;
  std::list<Waiter> waiters;
  explicit World(int capacity) : permits(loop.get_executor(), capacity) {}
  Waiter& want() {
    auto& waiter = waiters.emplace_back(loop, permits);
    settle(loop);
    return waiter;
  }
  [[nodiscard]] long served() const {
    return std::ranges::count_if(waiters, [](const Waiter& w) { return w.served(); });
  }
};

}  // namespace

TEST_CASE("there are as many permits as places, and one comes back with each that ends") {
  World world(2);
  auto& first = world.want();
  world.want();
  auto& third = world.want();
  CHECK(world.served() == 2);
  CHECK_FALSE(third.served());
  CHECK(world.permits.free() == 0);
  first.permit.release();
  first.permit.release();  // once is all it takes
  settle(world.loop);
  CHECK(third.served());
  CHECK(world.permits.taken() == 2);
}

TEST_CASE("a permit that moves is still one") {
  World world(1);
  auto& waiter = world.want();
  {
    Permit moved = std::move(waiter.permit);
    CHECK_FALSE(bool(waiter.permit));
    CHECK(world.permits.taken() == 1);
    Permit other;
    other = std::move(moved);
    CHECK(world.permits.taken() == 1);
    other = Permit();
    CHECK(world.permits.taken() == 0);
  }
  CHECK(world.permits.taken() == 0);
}

TEST_CASE("places that are added go to those who wait") {
  World world(0);
  for (int i = 0; i < 5; ++i) world.want();
  CHECK(world.served() == 0);
  world.permits.set_capacity(3);
  settle(world.loop);
  CHECK(world.served() == 3);
  CHECK(world.permits.free() == 0);
}

TEST_CASE("places may be taken away while they are used: none is given until enough came back") {
  World world(3);
  auto& first = world.want();
  auto& second = world.want();
  auto& third = world.want();
  world.permits.set_capacity(1);
  CHECK(world.permits.free() == -2);
  auto& next = world.want();
  first.permit.release();
  second.permit.release();
  settle(world.loop);
  CHECK_FALSE(next.served());
  third.permit.release();
  settle(world.loop);
  CHECK(next.served());
}

TEST_CASE("who is cancelled while waiting leaves no trace") {
  World world(1);
  auto& holder = world.want();
  auto& leaves = world.want();
  auto& stays = world.want();
  leaves.stop.emit(asio::cancellation_type::terminal);
  settle(world.loop);
  CHECK(leaves.aborted);
  holder.permit.release();
  settle(world.loop);
  CHECK(stays.served());
  CHECK(world.permits.taken() == 1);
}

TEST_CASE("who is cancelled in the moment a place comes free does not take it along") {
  World world(1);
  auto& holder = world.want();
  auto& leaves = world.want();
  auto& stays = world.want();
  holder.permit.release();
  leaves.stop.emit(asio::cancellation_type::terminal);
  settle(world.loop);
  CHECK(stays.served() != leaves.served());
  if (leaves.served()) leaves.permit.release();
  settle(world.loop);
  CHECK(stays.served());
}
