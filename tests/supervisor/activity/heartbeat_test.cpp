// SPDX-License-Identifier: MIT
// Heartbeats as an attempt sends them: through the throttle, in order, one call at a time.
#include "supervisor/activity/heartbeat.hpp"

#include <doctest/doctest.h>

#include <boost/asio/detached.hpp>

#include "tests/supervisor/activity/attempts.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;

namespace {

ActivityTask task_with_timeout(Duration timeout) {
  auto task = activity_task("token");
  if (timeout > 0s) to_proto(timeout, task.mutable_heartbeat_timeout());
  return task;
}

std::vector<std::string> sent(const AttemptWorld& world) {
  std::vector<std::string> details;
  for (const auto& request : world.service.heartbeats)
    details.push_back(text_of(request.details()));
  return details;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "E005 the throttle is 0.8 of the timeout, at most a minute, and half a minute without one") {
  CHECK(heartbeat_interval(10s) == 8s);
  CHECK(heartbeat_interval(75s) == 60s);
  CHECK(heartbeat_interval(24h) == 60s);
  CHECK(heartbeat_interval(0s) == 30s);
  CHECK(heartbeat_interval(-1s) == 30s);
  CHECK(heartbeat_interval(1ns) == 0ns);
  const HeartbeatThrottle quick{.most = 5s, .unwatched = 2s};
  CHECK(heartbeat_interval(10s, quick) == 5s);
  CHECK(heartbeat_interval(5s, quick) == 4s);
  CHECK(heartbeat_interval(0s, quick) == 2s);
  CHECK(heartbeat_interval(0s, {.most = 5s}) == 5s);  // no longer than the longest
  const HeartbeatThrottle unset{.most = 0s, .unwatched = 0s};
  CHECK(heartbeat_interval(75s, unset) == 60s);
  CHECK(heartbeat_interval(0s, unset) == 30s);
}

TEST_CASE(
    "E005 a thousand beats a second are one call in eight: the first at once, then the newest") {
  AttemptWorld world(task_with_timeout(10s));
  for (int i = 0; i < 20'000; ++i) {
    world.activity().beat(std::to_string(i));
    world.clock.advance(1ms);
  }
  CHECK(sent(world) == Texts{"0", "7999", "15999"});
  const auto& request = world.service.heartbeats[0];
  CHECK(request.task_token() == "token");
  CHECK(request.namespace_() == "shop");
  CHECK(request.identity() == "1@host");
}

TEST_CASE("E005 after a silence longer than the throttle the next beat goes out at once") {
  AttemptWorld world(task_with_timeout(10s));
  world.beat("a");
  world.clock.advance(9s);
  CHECK(sent(world) == Texts{"a"});
  world.beat("b");
  CHECK(sent(world) == Texts{"a", "b"});
  world.beat("c");
  CHECK(sent(world) == Texts{"a", "b"});
  world.clock.advance(8s);
  CHECK(sent(world) == Texts{"a", "b", "c"});
}

TEST_CASE("without a timeout there is a throttle of half a minute and no deadline") {
  AttemptWorld world(task_with_timeout(0s));
  world.beat("a");
  world.beat("b");
  world.clock.advance(29'999ms);
  CHECK(sent(world) == Texts{"a"});
  world.clock.advance(1ms);
  CHECK(sent(world) == Texts{"a", "b"});
  world.clock.advance(100h);
  CHECK(world.activity().cancels.empty());
}

TEST_CASE("E005 never are two heartbeats of one attempt in flight") {
  AttemptWorld world(task_with_timeout(10s));
  bool answered = false;
  Wakeup answer(world.loop.get_executor());
  world.service.on_heartbeat =
      [&](const auto&) -> boost::asio::awaitable<ws::RecordActivityTaskHeartbeatResponse> {
    while (!answered) co_await answer.wait();
    co_return ws::RecordActivityTaskHeartbeatResponse();
  };
  world.beat("a");
  world.beat("b");
  world.clock.advance(14s);  // longer than the throttle; the first call is still out
  CHECK(sent(world) == Texts{"a"});
  answered = true;
  answer.notify();
  world.clock.advance(8s);
  CHECK(sent(world) == Texts{"a", "b"});
}

TEST_CASE("E011 the server's answer may be to stop: cancel before reset before pause, once") {
  const auto reason_of = [](bool cancel, bool reset, bool pause) {
    AttemptWorld world(task_with_timeout(10s));
    world.service.on_heartbeat =
        [&](const auto&) -> boost::asio::awaitable<ws::RecordActivityTaskHeartbeatResponse> {
      ws::RecordActivityTaskHeartbeatResponse reply;
      reply.set_cancel_requested(cancel);
      reply.set_activity_reset(reset);
      reply.set_activity_paused(pause);
      co_return reply;
    };
    world.beat("a");
    world.beat("b");
    world.clock.advance(8s);
    CHECK(world.service.heartbeats.size() == 2);
    REQUIRE(world.activity().cancels.size() <= 1);
    return world.activity().cancels.empty() ? "none" : to_string(world.activity().cancels[0]);
  };
  CHECK(reason_of(false, false, false) == "none");
  CHECK(reason_of(true, true, true) == "requested");
  CHECK(reason_of(false, true, true) == "reset");
  CHECK(reason_of(false, false, true) == "paused");
}

TEST_CASE("E009 a heartbeat for a forgotten task stops the activity, and nothing is reported") {
  AttemptWorld world(task_with_timeout(10s));
  world.service.before = [](std::string_view rpc) {
    if (rpc == "RecordActivityTaskHeartbeat") refuse(RpcCode::not_found, "no such task");
  };
  world.beat("a");
  CHECK(world.activity().cancels == std::vector{CancelReason::gone});
  CHECK(world.log.count(LogLevel::warn) == 0);
  world.end({ThrewCancelled{}});
  CHECK(world.over);
  CHECK(world.service.answers.empty());
}

TEST_CASE("a heartbeat that fails is followed by the next one in its turn") {
  AttemptWorld world(task_with_timeout(10s));
  int calls = 0;
  world.service.before = [&](std::string_view) {
    if (++calls == 1) refuse(RpcCode::unavailable, "restarting");
  };
  world.beat("a");
  REQUIRE(world.log.count(LogLevel::warn) == 1);
  CHECK(world.log.lines.back().fields["activity_type"] == "charge");
  CHECK(world.log.lines.back().fields["workflow_id"] == "w");
  CHECK(world.log.lines.back().message.find("heartbeat timeout") != std::string::npos);
  world.beat("b");
  CHECK(sent(world) == Texts{"a"});
  world.clock.advance(8s);
  CHECK(sent(world) == Texts{"a", "b"});
  CHECK(world.activity().cancels.empty());
}

TEST_CASE(
    "E005 details the server never heard go out with the failure: the next attempt reads them") {
  AttemptWorld world(task_with_timeout(10s));
  world.beat("sent");
  world.activity().beat("kept back by the throttle");
  world.end({threw(std::runtime_error("boom"))});
  REQUIRE(world.service.failed.size() == 1);
  CHECK(text_of(world.service.failed[0].last_heartbeat_details()) == "kept back by the throttle");
  CHECK(sent(world) == Texts{"sent"});
}

TEST_CASE("E005 details of a heartbeat that failed or is in flight go out with the failure too") {
  SUBCASE("failed") {
    AttemptWorld world(task_with_timeout(10s));
    world.service.before = [&](std::string_view rpc) {
      if (rpc == "RecordActivityTaskHeartbeat") refuse(RpcCode::unavailable, "restarting");
    };
    world.beat("lost");
    world.end({threw(std::runtime_error("boom"))});
    CHECK(text_of(world.service.failed.at(0).last_heartbeat_details()) == "lost");
  }
  SUBCASE("in flight") {
    AttemptWorld world(task_with_timeout(10s));
    Wakeup never(world.loop.get_executor());
    world.service.on_heartbeat =
        [&](const auto&) -> boost::asio::awaitable<ws::RecordActivityTaskHeartbeatResponse> {
      co_await never.wait();
      co_return ws::RecordActivityTaskHeartbeatResponse();
    };
    world.beat("under way");
    world.end({threw(std::runtime_error("boom"))});
    CHECK(world.over);
    CHECK(text_of(world.service.failed.at(0).last_heartbeat_details()) == "under way");
  }
}

TEST_CASE("E005 a failure without news carries no details, a success never does") {
  AttemptWorld heard(task_with_timeout(10s));
  heard.beat("heard");
  heard.end({threw(std::runtime_error("boom"))});
  CHECK_FALSE(heard.service.failed.at(0).has_last_heartbeat_details());

  AttemptWorld world(task_with_timeout(10s));
  world.beat("heard");
  world.activity().beat("newer");
  world.end({Returned{}});
  CHECK(sent(world) == Texts{"heard"});
  CHECK(world.service.answers == Texts{"completed token"});
}
