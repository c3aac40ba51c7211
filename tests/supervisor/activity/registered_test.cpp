// SPDX-License-Identifier: MIT
// What an activity was registered with wins over what the worker was started with.
#include <doctest/doctest.h>

#include "supervisor/activity/attempt.hpp"
#include "temporal/calls.hpp"
#include "tests/supervisor/activity/attempts.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;

namespace {

detail::ActivityDefinition with(const ActivityLimits& limits, Duration auto_heartbeat = {}) {
  detail::ActivityDefinition activity;
  activity.name = "charge";
  activity.limits = limits;
  activity.auto_heartbeat = auto_heartbeat;
  return activity;
}

ActivityTask beating_task() {
  auto task = activity_task("token");
  set(task.mutable_heartbeat_timeout(), 10s);
  *task.mutable_heartbeat_details() = payloads("of the last attempt");
  return task;
}

std::string last_beat(const AttemptWorld& world) {
  return text_of(world.service.heartbeats.back().details());
}

}  // namespace

TEST_CASE("AX9 an activity's own cancel_grace wins over the worker's, also to wait for ever") {
  const auto patient = with({.cancel_grace = ActivityLimits::kNever});
  AttemptWorld world(activity_task("token"), &patient);
  world.settings.cancel_grace = 1s;
  world.attempt->cancel(CancelReason::requested);
  world.clock.advance(1h);
  CHECK(world.activity().terminations == 0);

  const auto strict = with({.cancel_grace = 5s});
  AttemptWorld bound(activity_task("token"), &strict);
  bound.attempt->cancel(CancelReason::requested);
  bound.clock.advance(4s);
  CHECK(bound.activity().terminations == 0);
  bound.clock.advance(1s);
  CHECK(bound.activity().terminations == 1);
}

TEST_CASE("AX9 so does its timeout_grace, and its term_grace goes with it to its child") {
  auto task = activity_task("token");
  set(task.mutable_start_to_close_timeout(), 60s);
  const auto activity = with({.timeout_grace = 2s, .term_grace = 7s});
  AttemptWorld world(task, &activity);
  CHECK(world.activity().link().term_grace == Duration(7s));
  world.clock.advance(60s + world.settings.local_timeout_buffer);
  CHECK(world.activity().cancels == std::vector{CancelReason::timed_out});
  world.clock.advance(1s);
  CHECK(world.activity().terminations == 0);
  world.clock.advance(1s);
  CHECK(world.activity().terminations == 1);
}

TEST_CASE("AX38 while an activity gets on, the worker beats for it, with the newest details") {
  const auto activity = with({}, 3s);
  AttemptWorld world(beating_task(), &activity);
  for (int second = 0; second < 3; ++second) {
    ++world.activity().steps;
    world.clock.advance(1s);
  }
  REQUIRE(world.service.heartbeats.size() == 1);
  CHECK(last_beat(world) == "of the last attempt");
  // For an hour, at the pace that the throttle allows.
  for (int second = 0; second < 3600; ++second) {
    ++world.activity().steps;
    world.clock.advance(1s);
  }
  CHECK(world.activity().cancels.empty());
  CHECK(world.service.heartbeats.size() > 3600 / 10);

  ++world.activity().steps;
  world.beat("its own");
  for (int second = 0; second < 20; ++second) {
    ++world.activity().steps;
    world.clock.advance(1s);
  }
  CHECK(last_beat(world) == "its own");
}

TEST_CASE("AX38 an activity that does not get on is not beaten for: its timeout finds it") {
  const auto activity = with({}, 3s);
  AttemptWorld world(beating_task(), &activity);
  ++world.activity().steps;
  world.clock.advance(60s);
  CHECK(world.service.heartbeats.size() == 1);
  CHECK(world.activity().cancels == std::vector{CancelReason::timed_out});
}

TEST_CASE("AC26 an activity whose process dies again and again is given up, where that is wanted") {
  const auto died = [] {
    auto threw = test::threw(ApplicationError("killed", {.type = "ActivityProcessKilled"}));
    threw.died = true;
    return threw;
  };
  AttemptWorld world;
  world.settings.crash_non_retryable_after = 2;
  world.end({died()});
  CHECK_FALSE(failure_of(world).application_failure_info().non_retryable());

  const auto next = [&](const std::string& id) {
    auto task = activity_task("again");
    task.set_activity_id(id);
    Attempt attempt(world.settings, std::move(task));
    boost::asio::co_spawn(world.loop, attempt.run(world.executor), boost::asio::detached);
    settle(world.loop);
    world.activity().end({died()});
    settle(world.loop);
    return world.service.failed.back().failure();
  };
  CHECK_FALSE(next("another").application_failure_info().non_retryable());
  const auto last = next("7");
  CHECK(last.application_failure_info().non_retryable());
  CHECK(last.message().find("has died 2 times here") != std::string::npos);
}

TEST_CASE("AX38 who did not ask for it beats for itself") {
  AttemptWorld world(beating_task());
  for (int second = 0; second < 9; ++second) {
    ++world.activity().steps;
    world.clock.advance(1s);
  }
  CHECK(world.service.heartbeats.empty());
}
