// SPDX-License-Identifier: MIT
#include "supervisor/tasks/poll_balance.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <list>
#include <optional>

#include "tests/fake_server/fake_clock.hpp"

using namespace temporal::supervisor;
using temporal::test::settle;
namespace asio = boost::asio;

namespace {

constexpr auto kNormal = PollKind::normal, kSticky = PollKind::sticky;

struct World {
  explicit World(int places, bool both = true)
      : permits(loop.get_executor(), places), balance(permits, both) {}

  struct Poller {
    std::optional<PollBalance::Place> place;
    [[nodiscard]] bool polls() const { return place.has_value(); }
  };
  Poller& want(PollKind kind) {
    auto& poller = pollers.emplace_back();
    asio::co_spawn(loop, begin(kind, poller), [](const std::exception_ptr&) {});
    settle(loop);
    return poller;
  }
  asio::awaitable<void> begin(PollKind kind, Poller& poller) {
    auto place = co_await balance.acquire(kind);
    poller.place.emplace(std::move(place));
  }
  // It brought a task, which keeps the place.
  Permit brings_task(Poller& poller) {
    auto permit = std::move(poller.place->permit);
    poller.place.reset();
    settle(loop);
    return permit;
  }
  void ends(Poller& poller) {
    poller.place.reset();
    settle(loop);
  }

  asio::io_context loop;
  Permits permits;
  PollBalance balance;
  std::list<Poller> pollers;
};

}  // namespace

TEST_CASE("R019 the polls are split by the ratio, and each queue has one at least") {
  const auto split = [](int pollers, double ratio) {
    const auto both = split_pollers(pollers, ratio);
    return std::pair(both.normal, both.sticky);
  };
  CHECK(split(5, 0.2) == std::pair(1, 4));
  CHECK(split(10, 0.5) == std::pair(5, 5));
  CHECK(split(10, 0) == std::pair(1, 9));
  CHECK(split(10, 1) == std::pair(9, 1));
  CHECK(split(2, 0.2) == std::pair(1, 1));
  CHECK(split(1, 0.2) == std::pair(1, 1));
}

TEST_CASE("T-08: two places are never both held by polls of one queue") {
  for (auto first : {kNormal, kSticky}) {
    World world(2);
    const auto second = first == kNormal ? kSticky : kNormal;
    CHECK(world.want(first).polls());
    CHECK_FALSE(world.want(first).polls());
    CHECK(world.want(second).polls());
  }
}

TEST_CASE("a queue that waited for the other to poll polls when it does") {
  World world(3);
  CHECK(world.want(kSticky).polls());
  CHECK(world.want(kSticky).polls());
  auto& waits = world.want(kSticky);
  CHECK_FALSE(waits.polls());
  auto& normal = world.want(kNormal);
  CHECK(normal.polls());
  world.ends(normal);
  auto& next = world.want(kNormal);
  CHECK(next.polls());
  CHECK_FALSE(waits.polls());  // the last place is still that of the other queue
}

TEST_CASE(
    "with one place left and no open poll, the sticky queue polls first if tasks wait there") {
  World world(2);
  auto& poll = world.want(kNormal);
  const auto task = world.brings_task(poll);
  world.balance.sticky_backlog(5);
  CHECK_FALSE(world.want(kNormal).polls());
  CHECK(world.want(kSticky).polls());

  World quiet(2);
  auto& other = quiet.want(kNormal);
  const auto taken = quiet.brings_task(other);
  CHECK(quiet.want(kNormal).polls());
}

TEST_CASE("places that come back go to the queue that has no poll") {
  World world(2);
  auto& sticky = world.want(kSticky);
  auto& normal = world.want(kNormal);
  auto task = world.brings_task(normal);
  auto& again = world.want(kSticky);
  auto& waits = world.want(kNormal);
  CHECK_FALSE(waits.polls());  // no place at all
  task.release();
  settle(world.loop);
  CHECK(waits.polls());
  CHECK_FALSE(again.polls());
  CHECK(sticky.polls());
}

TEST_CASE("without a sticky queue there is nothing to balance") {
  World world(2, false);
  CHECK(world.want(kNormal).polls());
  CHECK(world.want(kNormal).polls());
}
