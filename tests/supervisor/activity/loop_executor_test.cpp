// SPDX-License-Identifier: MIT
#include "supervisor/activity/loop_executor.hpp"

#include <doctest/doctest.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "supervisor/activity/local_execution.hpp"
#include "supervisor/wakeup.hpp"
#include "tests/supervisor/activity/attempts.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace asio = boost::asio;

// Activities of this file, in a namespace that has a name.
namespace loop_activities {

std::thread::id where;

asio::awaitable<std::string> greet(std::string name) {
  where = std::this_thread::get_id();
  co_return "Hello, " + name;
}
asio::awaitable<void> nothing() { co_return; }
asio::awaitable<int> declines() {
  throw ApplicationError("no", {.type = "Declined"});
  co_return 1;
}
asio::awaitable<int> throws_int() {
  throw 42;
  co_return 1;
}
asio::awaitable<int> later() {
  complete_async();
  co_return 1;
}
asio::awaitable<int> cancels_itself() {
  throw Cancelled("on a whim", {to_payload("half")});
  co_return 1;
}
asio::awaitable<int> aborts_itself() {
  throw boost::system::system_error(asio::error::operation_aborted);
  co_return 1;
}
asio::awaitable<void> blocks(activity::Context& ctx) {
  ctx.wait_cancelled(1h);
  co_return;
}
// Beats once, then waits for an hour that a cancellation ends.
asio::awaitable<void> waits(activity::Context& ctx) {
  ctx.heartbeat("waiting");
  co_await pause(1h);
}
// Waits for the cancellation, and then says how it looks from inside.
asio::awaitable<std::string> looks(activity::Context& ctx) {
  try {
    ctx.heartbeat("waiting");
    co_await pause(1h);
  } catch (const boost::system::system_error&) {
  } catch (const Cancelled&) {  // which may be here before the heartbeat has returned
  }
  std::string seen = ctx.cancelled() ? std::string(to_string(*ctx.cancel_reason())) : "no";
  try {
    ctx.heartbeat("late");
  } catch (const Cancelled& cancelled) {
    seen += ", heartbeat threw " + std::string(to_string(cancelled.reason()));
  }
  co_return seen;
}
asio::awaitable<std::string> remembers(activity::Context& ctx) {
  for (int i = 0; i < 1000; ++i) ctx.heartbeat(i);
  co_return ctx.last_heartbeat<std::string>().value_or("nothing") + " of " +
      ctx.info().activity_id + " on " + ctx.info().task_queue;
}
// What it waits for forgets it: the handler is destroyed, not called.
asio::awaitable<void> is_forgotten() {
  co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(
      [](auto handler) { auto forgotten = std::move(handler); }, asio::use_awaitable);
}
asio::awaitable<bool> notices(activity::Context& ctx) {
  ctx.heartbeat("ready");
  while (!ctx.worker_shutdown()) co_await pause(1ms);
  co_return !ctx.cancelled();
}

// Waits for the notice in a section that a cancellation must not cut.
asio::awaitable<bool> waits_for_the_notice(activity::Context& ctx) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  ctx.heartbeat("waiting");
  co_return co_await ctx.async_wait_worker_shutdown(1h);
}

asio::awaitable<void> talks(activity::Context& ctx) {
  ctx.log().info(std::string(10'000, 'x'), {{"pages", 3}});
  ctx.log().info("short", {{"pages", std::string(10'000, 'x')}});
  co_return;
}

// Several waits at a time, which a cancellation ends all.
asio::awaitable<void> waits_for_either(activity::Context& ctx) {
  using namespace asio::experimental::awaitable_operators;
  ctx.heartbeat("waiting");
  co_await (pause(1h) || pause(2h));
}
asio::awaitable<void> waits_for_all(activity::Context& ctx) {
  using namespace asio::experimental::awaitable_operators;
  ctx.heartbeat("waiting");
  auto either = [](activity::Context&) -> asio::awaitable<void> {
    co_await (pause(1h) || pause(2h));
  };
  co_await (either(ctx) && pause(3h));
}
asio::awaitable<int> waits_for_a_message(activity::Context& ctx) {
  asio::experimental::channel<void(boost::system::error_code, int)> channel(
      co_await asio::this_coro::executor);
  ctx.heartbeat("waiting");
  co_return co_await channel.async_receive(asio::use_awaitable);
}
asio::awaitable<void> declines_twice(activity::Context& ctx) {
  using namespace asio::experimental::awaitable_operators;
  ctx.heartbeat("waiting");
  auto decline = [](activity::Context&) -> asio::awaitable<void> {
    co_await pause(1ms);
    throw ApplicationError("no", {.type = "Declined", .non_retryable = true});
  };
  co_await (decline(ctx) || decline(ctx));
}

// Whose step is this, on a strand of the activity's own?
asio::awaitable<std::string> finds_itself() {
  const auto strand = asio::make_strand(co_await asio::this_coro::executor);
  co_await asio::post(strand, asio::use_awaitable);
  const auto attempt = LocalExecution::of_this_step();
  co_return attempt ? attempt->info().activity_id : "nobody";
}

void fill(Module& m) {
  m.activity<greet>();
  m.activity<nothing>();
  m.activity<declines>();
  m.activity<throws_int>();
  m.activity<later>();
  m.activity<cancels_itself>();
  m.activity<aborts_itself>();
  m.activity<blocks>();
  m.activity<waits>();
  m.activity<looks>();
  m.activity<remembers>();
  m.activity<notices>();
  m.activity<finds_itself>();
  m.activity<waits_for_the_notice>();
  m.activity<talks>();
  m.activity<waits_for_either>();
  m.activity<waits_for_all>();
  m.activity<waits_for_a_message>();
  m.activity<declines_twice>();
  m.activity<is_forgotten>();
}

}  // namespace loop_activities

namespace {

struct World {
  World() { loop_activities::fill(module); }

  Module module;
  RecordingLog log;
  asio::io_context core{1};
  LoopThreads loops{1};
  LoopExecutor executor{module, loops, log, "queue"};
  Execution* execution = nullptr;
  std::vector<std::string> beats;
  bool take = true;
  int told = 0;  // of heartbeats

  // `at_beat` is called on the core loop for each heartbeat that is told there.
  Ending run(
      ActivityTask task, const std::function<void(Execution&)>& at_beat = [](auto&) {}) {
    Link link{.started = [this](Execution& running) { execution = &running; },
              .heartbeat =
                  [&] {
                    ++told;
                    if (!take) return;
                    if (auto details = execution->take_heartbeat())
                      beats.push_back(text_or_int(*details));
                    at_beat(*execution);
                  }};
    std::optional<Ending> ending;
    asio::co_spawn(core, executor.run(task, std::move(link)),
                   [&](const std::exception_ptr& error, Ending how) {
                     if (error) std::rethrow_exception(error);
                     ending = std::move(how);
                   });
    core.restart();  // a former run left it without work
    while (!ending) core.run_one();
    return std::move(*ending);
  }
  Ending run(
      const std::string& type, const std::function<void(Execution&)>& at_beat = [](auto&) {}) {
    return run(activity_task("token", type), at_beat);
  }

  static std::string text_or_int(const api::common::v1::Payloads& details) {
    return details.payloads_size() == 0 ? "" : details.payloads(0).data();
  }
};

std::string type_of(const Ending& ending) {
  REQUIRE(std::holds_alternative<Threw>(ending.how));
  return std::get<Threw>(ending.how).failure.application_failure_info().type();
}

}  // namespace

TEST_CASE("a coroutine runs on a loop thread, its result comes back as a payload") {
  World world;
  auto task = activity_task("token", "greet");
  to_proto(Payloads{to_payload("World")}, task.mutable_input());
  const auto ending = world.run(task);
  REQUIRE(std::holds_alternative<Returned>(ending.how));
  CHECK(text_of(std::get<Returned>(ending.how).result) == "Hello, World");
  CHECK(loop_activities::where != std::this_thread::get_id());

  const auto empty = world.run("nothing");
  CHECK(std::get<Returned>(empty.how).result.payloads(0).metadata().at("encoding") ==
        "binary/null");
}

TEST_CASE("what a coroutine throws is its failure") {
  World world;
  CHECK(type_of(world.run("declines")) == "Declined");
  CHECK(type_of(world.run("throws_int")) == "UnknownException");
  CHECK(type_of(world.run("blocks")) == "std::logic_error");
  // Nobody asked it to stop: an aborted operation is an error like any other.
  CHECK(type_of(world.run("aborts_itself")) == "boost::system::system_error");
  // "greet" wants a name.
  CHECK(type_of(world.run("greet")) == "temporal::DecodeError");
}

TEST_CASE(
    "a coroutine may leave its completion to others; a cancellation nobody asked for is thrown") {
  World world;
  CHECK(std::holds_alternative<CompletesLater>(world.run("later").how));
  const auto cancelled = world.run("cancels_itself");
  REQUIRE(std::holds_alternative<Threw>(cancelled.how));
  const auto& failure = std::get<Threw>(cancelled.how).failure;
  REQUIRE(failure.has_canceled_failure_info());
  CHECK(text_of(failure.canceled_failure_info().details()) == "half");
}

TEST_CASE("F019 a line of a coroutine's is cut where a child's is") {
  World world;
  world.run("talks");
  REQUIRE(world.log.lines.size() == 2);
  CHECK(world.log.lines[0].message == std::string(8192, 'x'));
  CHECK(world.log.lines[0].fields["pages"] == 3);
  CHECK(world.log.lines[0].fields["activity_type"] == "talks");
  CHECK(world.log.lines[1].message == "short");
  CHECK_FALSE(world.log.lines[1].fields.contains("pages"));
  CHECK(world.log.lines[1].fields.dump().size() < 1000);
  CHECK(world.log.lines[1].fields.contains("left_out"));
}

TEST_CASE("a cancellation ends what the coroutine waits for") {
  World world;
  const auto ending =
      world.run("waits", [](Execution& running) { running.cancel(CancelReason::requested); });
  CHECK(std::holds_alternative<ThrewCancelled>(ending.how));
  CHECK(world.beats == std::vector<std::string>{"\"waiting\""});
}

TEST_CASE("E010 a cancellation is one too when several waits, or a channel's, were ended by it") {
  for (const char* activity : {"waits_for_either", "waits_for_all", "waits_for_a_message"}) {
    CAPTURE(activity);
    World world;
    const auto ending =
        world.run(activity, [](Execution& running) { running.cancel(CancelReason::requested); });
    CHECK(std::holds_alternative<ThrewCancelled>(ending.how));
  }
}

TEST_CASE("of what was thrown together the first counts, with its type") {
  World world;
  const auto ending = world.run("declines_twice");
  CHECK(type_of(ending) == "Declined");
  CHECK(std::get<Threw>(ending.how).failure.application_failure_info().non_retryable());
}

TEST_CASE("a coroutine sees why it was cancelled, the first reason, and its heartbeat throws it") {
  World world;
  const auto ending = world.run("looks", [](Execution& running) {
    running.cancel(CancelReason::paused);
    running.cancel(CancelReason::requested);
  });
  CHECK(text_of(std::get<Returned>(ending.how).result) == "paused, heartbeat threw paused");
}

TEST_CASE("the newest heartbeat nobody took comes with the end") {
  World world;
  world.take = false;
  const auto ending = world.run("remembers");
  REQUIRE(ending.last_heartbeat);
  CHECK(World::text_or_int(*ending.last_heartbeat) == "999");
}

TEST_CASE("AC5 of a thousand beats that nobody takes the core loop hears once") {
  World world;
  world.take = false;
  world.run("remembers");
  CHECK(world.told == 1);
}

TEST_CASE("a coroutine that is destroyed before its end has failed, and says why") {
  World world;
  const auto ending = world.run("is_forgotten");
  CHECK(type_of(ending) == "CoroutineDestroyed");
  CHECK(std::get<Threw>(ending.how).failure.message().find("completion handler") !=
        std::string::npos);
}

TEST_CASE("a coroutine knows its task and what the attempt before it said last") {
  World world;
  auto task = activity_task("token", "remembers");
  *task.mutable_heartbeat_details() = payloads("page 7");
  CHECK(text_of(std::get<Returned>(world.run(task).how).result) == "page 7 of 7 on queue");
  CHECK(text_of(std::get<Returned>(world.run("remembers").how).result) == "nothing of 7 on queue");
}

TEST_CASE("the worker's stop is a notice a coroutine may look at, not a cancellation") {
  World world;
  const auto ending = world.run("notices", [](Execution& running) { running.notify_shutdown(); });
  CHECK(std::get<Returned>(ending.how).result.payloads(0).data() == "true");
}

TEST_CASE("AC14 the wait for the worker's stop ends with a cancellation too, shielded or not") {
  for (const bool notice : {true, false}) {
    World world;
    const auto ending = world.run("waits_for_the_notice", [&](Execution& running) {
      if (notice) running.notify_shutdown();
      if (!notice) running.cancel(CancelReason::requested);
    });
    CHECK(std::get<Returned>(ending.how).result.payloads(0).data() == "true");
  }
}

TEST_CASE("AX29 a step of a coroutine leads to its attempt, and no other thread's does") {
  World world;
  CHECK(text_of(std::get<Returned>(world.run("finds_itself").how).result) == "7");
  CHECK_FALSE(LocalExecution::of_this_step());
}

TEST_CASE("AX29 what is handed over shares the attempt's fate, also what comes after it") {
  World world;
  FakeExecution before(world.core.get_executor(), {}), after(world.core.get_executor(), {});
  bool begun = false;
  world.run("looks", [&](Execution& running) {
    if (std::exchange(begun, true)) return;
    auto& local = dynamic_cast<LocalExecution&>(running);
    local.hand_over(before);
    local.cancel(CancelReason::timed_out);
    local.terminate();
    local.hand_over(after);  // a clean-up call, say
    for (auto* child : {&before, &after}) {
      CHECK(child->cancels == std::vector{CancelReason::timed_out});
      CHECK(child->terminations == 1);
      local.take_back(*child, std::nullopt);
    }
  });
  CHECK(begun);
}
