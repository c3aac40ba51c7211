// SPDX-License-Identifier: MIT
// The last heartbeat, whatever comes in its way.
#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

/// As the next attempt gets them.
asio::awaitable<Outcome> retry_with(PoolFixture& fixture, const ipc::Heartbeat& beat) {
  child::v1::Start start;
  start.set_activity_type("last_heartbeat");
  auto& payload = *start.mutable_heartbeat_details()->add_payloads();
  (*payload.mutable_metadata())["encoding"] = beat.encoding;
  payload.set_data(beat.details);
  AttemptHandle handle;
  ++fixture.begun;
  auto outcome = co_await fixture.pool.run(std::move(start), handle);
  ++fixture.ended;
  co_return outcome;
}

}  // namespace

TEST_CASE(
    "row 47: heartbeats as fast as children can leave the loop alone, and the last one counts") {
  constexpr int kChildren = 2;
  const int beats = times(1'000'000, 20'000'000);
  Invariants row(torture_options(kChildren));
  int taken = 0;
  row.hold([&]() -> asio::awaitable<void> {
    const auto beat = [&](int) -> asio::awaitable<void> {
      Running running(row.io());
      int last = -1;
      running.start(row.fixture(), "beat_and_die", 0, beats);
      while (!running.outcome) {
        co_await running.changed.wait();
        while (const auto newer = running.take()) {
          const int number = std::stoi(newer->details);
          CHECK(number > last);
          last = number;
          ++taken;
          if (running.outcome) break;
          // One look for each turn of the loop: the next one is there already.
          co_await asio::post(row.io(), asio::use_awaitable);
        }
      }
      CHECK(type_of(*running.outcome) == "ActivityProcessKilled");
      while (const auto newer = running.take()) last = std::stoi(newer->details);
      CHECK(last == beats - 1);
      row.expect("killed");
    };
    co_await in_lanes(row, kChildren, beat);
    CHECK(row.watch().p99() < 5ms);
    row.count(std::to_string(kChildren * beats) + " heartbeats, " + std::to_string(taken) +
              " taken");
  });
}

TEST_CASE("row 48: the heartbeat right before the death is what the next attempt gets") {
  const int deaths = times(1'000, 10'000);
  constexpr int kLanes = 4;
  std::mt19937 random(seed());
  Invariants row(torture_options(kLanes), {.loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    const auto die = [&](int lane) -> asio::awaitable<void> {
      for (int i = 0; i < deaths / kLanes; ++i) {
        const int first = lane * deaths * 10 + i * 10;
        const int beats = 1 + static_cast<int>(random() % 5);
        AttemptHandle handle;
        const auto outcome = co_await row.fixture().call_with(handle, "beat_and_die", first, beats);
        CHECK(type_of(outcome) == "ActivityProcessKilled");
        const auto beat = handle.take_heartbeat();
        REQUIRE(beat);
        CHECK(beat->details == std::to_string(first + beats - 1));
        CHECK(beat->sequence == static_cast<std::uint64_t>(beats));
        const auto retried = co_await retry_with(row.fixture(), *beat);
        CHECK(result<int>(retried) == first + beats - 1);
      }
    };
    co_await in_lanes(row, kLanes, die);
    row.expect("killed", static_cast<std::uint64_t>(deaths / kLanes * kLanes));
    row.count(std::to_string(deaths / kLanes * kLanes) + " deaths");
  });
}

TEST_CASE(
    "row 49: a heartbeat that is torn by the death is not seen; the one before it is, whole") {
  const int deaths = times(150, 5'000);
  std::mt19937 random(seed());
  Invariants row(torture_options(2), {.loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    const auto tear = [&](int) -> asio::awaitable<void> {
      for (int i = 0; i < deaths / 2; ++i) {
        Running running(row.io());
        running.start(row.fixture(), "beat_large");
        co_await running.until_beaten();
        co_await supervisor::pause(std::chrono::microseconds(random() % 1'000));
        ::kill(running.handle.pid(), SIGKILL);
        co_await running.until_ended();
        CHECK(type_of(*running.outcome) == "ActivityProcessKilled");
        auto beat = running.handle.take_heartbeat();
        if (!beat) beat = running.early;  // it had beaten once, and nothing new since
        REQUIRE(beat);
        CHECK(beat->details.size() == 60'002);
        const char letter = beat->details[1];
        CHECK(letter == static_cast<char>('a' + (beat->sequence - 1) % 26));
        CHECK(beat->details == '"' + std::string(60'000, letter) + '"');
        const auto after = co_await row.fixture().call("no_op");
        CHECK(std::holds_alternative<Completed>(after));
      }
    };
    co_await in_lanes(row, 2, tear);
    row.expect("killed", static_cast<std::uint64_t>(deaths / 2 * 2));
    row.count(std::to_string(deaths / 2 * 2) + " deaths");
  });
}
