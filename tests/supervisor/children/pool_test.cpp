// SPDX-License-Identifier: MIT
// What a task in a child can do, as long as its process lives.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <utility>

#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;
using namespace boost::asio::experimental::awaitable_operators;

TEST_CASE("an activity runs in a process that is not this one, and its result comes back") {
  auto descriptors = own_descriptors();
  {
    PoolFixture fixture(options(2));
    fixture.with_pool([&]() -> asio::awaitable<void> {
      CHECK(fixture.pool.capacity() == 2);
      CHECK(fixture.pool.idle_count() == 2);
      CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
      auto pid = result<int>(co_await fixture.call("own_pid"));
      CHECK(pid != ::getpid());
      CHECK(std::ranges::count(fixture.pool.child_pids(), pid) == 1);
      CHECK(fixture.pool.idle_count() == 2);
    });
    CHECK(fixture.pool.capacity() == 0);
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE(
    "a child that is told to go while it starts is no corrupt one when it says that it is ready") {
  PoolFixture fixture(options(3));
  fixture.run([&]() -> asio::awaitable<void> {
    asio::co_spawn(fixture.io, fixture.pool.start(), asio::detached);
    auto forked = [&] {
      const auto pids = fixture.pool.child_pids();
      return pids.size() == 3 && std::ranges::count(pids, 0) == 0;
    };
    while (!forked()) co_await supervisor::pause(1ms);
    // Until they sleep, which is after they have said it. This loop has no turn meanwhile.
    const auto patience = std::chrono::steady_clock::now() + 10s;
    for (pid_t pid : fixture.pool.child_pids())
      while (state_of(pid) != 'S' && std::chrono::steady_clock::now() < patience)
        std::this_thread::yield();
    co_await fixture.pool.stop();
  });
  CHECK(fixture.pool.child_pids().empty());
  CHECK_FALSE(fixture.log.contain("garbage"));
  CHECK_FALSE(fixture.log.contain("error "));
}

TEST_CASE(
    "a child that is ready before its zygote has named it gets its task when its pid is known") {
  PoolFixture fixture(options(1, "EARLY_MODULE"));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    AttemptHandle handle;
    pid_t known_at_start = -1;
    handle.on_started = [&] { known_at_start = handle.pid(); };
    const auto pid = result<int>(co_await fixture.call_with(handle, "own_pid"));
    CHECK(known_at_start == pid);
  });
}

TEST_CASE("a child is used again, and tasks beyond the children wait for one") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (int i = 1; i <= 5; ++i) CHECK(result<int>(co_await fixture.call("count_tasks")) == i);
    Running first(fixture.io), second(fixture.io);
    first.start(fixture, "beat_and_wait", 1);
    co_await first.until_beaten();
    second.start(fixture, "own_pid");
    CHECK(fixture.pool.idle_count() == 0);
    CHECK_FALSE(second.outcome);
    first.handle.cancel(CancelReason::requested);
    co_await second.until_ended();
    CHECK(result<int>(*second.outcome) == first.handle.pid());
  });
}

TEST_CASE("what an activity throws arrives with type, message and causes, and its child lives on") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    auto pid = fixture.pool.child_pids().front();
    auto outcome = co_await fixture.call("throw_error", "the outer one"s);
    CHECK(type_of(outcome) == "std::runtime_error");
    CHECK(failure(outcome).message() == "the outer one");
    CHECK(failure(outcome).cause().message() == "the inner one");
    CHECK(failure(outcome).cause().application_failure_info().type() == "std::invalid_argument");

    outcome = co_await fixture.call("throw_application_error");
    CHECK(type_of(outcome) == "CardDeclined");
    CHECK(failure(outcome).application_failure_info().non_retryable());

    CHECK(type_of(co_await fixture.call("throw_int")) == "UnknownException");
    outcome = co_await fixture.call("throw_cancelled_unasked");
    CHECK(failure(outcome).has_canceled_failure_info());
    CHECK(type_of(co_await fixture.call("nobody_wrote_this")) == "NotFoundError");
    // An argument that does not decode.
    CHECK(std::holds_alternative<Failed>(co_await fixture.call("say_hello", 7)));
    CHECK(std::holds_alternative<Async>(co_await fixture.call("complete_later")));
    CHECK(fixture.pool.child_pids().front() == pid);
  });
}

TEST_CASE("a cancellation is seen in the child with its reason") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running running(fixture.io);
    running.start(fixture, "beat_and_wait", 1);
    co_await running.until_beaten();
    running.handle.cancel(CancelReason::paused);
    co_await running.until_ended();
    CHECK(result<std::string>(*running.outcome) == "paused");

    // Asked for before there is a child: it starts cancelled.
    AttemptHandle early;
    early.cancel(CancelReason::requested);
    CHECK(result<std::string>(co_await fixture.call_with(early, "wait_for_cancel")) == "requested");

    // heartbeat() throws, and the throw means cancelled.
    Running beating(fixture.io);
    beating.start(fixture, "heartbeat_until_cancelled");
    co_await beating.until_beaten();
    beating.handle.cancel(CancelReason::requested);
    co_await beating.until_ended();
    CHECK(std::holds_alternative<Canceled>(*beating.outcome));

    // The next task is not hit by the last one's cancellation.
    Running next(fixture.io);
    next.start(fixture, "beat_and_wait", 1);
    co_await next.until_beaten();
    next.handle.cancel(CancelReason::reset);
    co_await next.until_ended();
    CHECK(result<std::string>(*next.outcome) == "reset");
  });
}

TEST_CASE("the newest heartbeat is there while the activity runs, and after it ended") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running running(fixture.io);
    running.start(fixture, "beat_and_wait", 17);
    co_await running.until_beaten();
    auto beat = running.take();
    REQUIRE(beat);
    CHECK(beat->encoding == "json/plain");
    CHECK(beat->details == "17");
    CHECK_FALSE(running.take());
    running.handle.cancel(CancelReason::requested);
    co_await running.until_ended();
    CHECK_FALSE(running.take());

    // A million a second or so: the bell rings once for each time it was asked for.
    Running beating(fixture.io);
    beating.start(fixture, "heartbeat_until_cancelled");
    int last = -1;
    for (int i = 0; i < 20; ++i) {
      co_await beating.until_beaten();
      beating.beaten = false;
      beat = beating.take();
      if (!beat) continue;
      CHECK(std::stoi(beat->details) > last);
      last = std::stoi(beat->details);
      (void)beating.take();  // asks for the next
      if (beating.take()) beating.beaten = true;
    }
    beating.handle.cancel(CancelReason::requested);
    co_await beating.until_ended();
    beat = beating.take();
    if (beat) CHECK(std::stoi(beat->details) > last);

    // None of it leaks into the next task.
    AttemptHandle quiet;
    (void)co_await fixture.call_with(quiet, "no_op");
    CHECK_FALSE(quiet.take_heartbeat());

    auto outcome = co_await fixture.call("heartbeat_too_large");
    CHECK(type_of(outcome) == "std::length_error");
  });
}

TEST_CASE("an activity knows its task, its last heartbeat, and logs with the worker") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    child::v1::Start start;
    start.set_activity_type("log_and_describe");
    start.set_workflow_id("wf-1");
    start.set_attempt(3);
    (*start.mutable_header()->mutable_fields())["trace"].set_data("abc");
    AttemptHandle handle;
    auto outcome = co_await fixture.pool.run(start, handle);
    CHECK(result<std::string>(outcome) == "log_and_describe wf-1 3 abc");
    CHECK(fixture.log.contain("warn a line of the activity {\"answer\":42"));

    child::v1::Start again;
    again.set_activity_type("last_heartbeat");
    to_proto(to_payload(90), again.mutable_heartbeat_details()->add_payloads());
    CHECK(result<int>(co_await fixture.pool.run(again, handle)) == 90);
    CHECK(result<int>(co_await fixture.call("last_heartbeat")) == -1);
  });
}

TEST_CASE("an activity that logs more than fits is not delayed, and still answers") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(result<int>(co_await fixture.call("log_much", 5'000)) == 5'000);
    CHECK(result<std::string>(co_await fixture.call("say_hello", "again"s)) == "Hello, again!");
  });
}

TEST_CASE("F019 a line that is not UTF-8 is logged, and its child lives on") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const int pid = result<int>(co_await fixture.call("own_pid"));
    const auto outcome = co_await fixture.call("log_bytes");
    CHECK(std::holds_alternative<Completed>(outcome));
    CHECK(fixture.log.contain("warn caf\xe9"));
    CHECK(result<int>(co_await fixture.call("own_pid")) == pid);
  });
}

TEST_CASE(
    "AC20 what an activity measures crosses; where the ring is full it is dropped and counted") {
  constexpr int kSeries = 4 * 512;
  const auto folder =
      std::filesystem::temp_directory_path() / ("pool-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto fifo = folder / "measured";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::set<std::string> came;
    Running task(fixture.io);
    task.handle.on_metric = [&](const child::v1::Metric& metric) {
      CHECK(metric.name() == "pages");
      CHECK(metric.values(0) == 1);
      came.insert(metric.labels(1));
    };
    task.start(fixture, "measure_much", kSeries, fifo.string());
    co_await task.until_started();
    // The loop reads nothing until the activity has measured all.
    const std::ifstream measured(fifo);
    co_await task.until_ended();
    CHECK(std::holds_alternative<Completed>(*task.outcome));
    const auto dropped = fixture.pool.counts().of_children.dropped_metrics;
    CHECK(dropped > 0);
    CHECK(came.size() > 0);
    CHECK(came.size() + dropped == kSeries);
  });
  std::filesystem::remove_all(folder);
}

TEST_CASE("a child that has much to tell leaves the loop its turns") {
  constexpr int kLines = 500;
  const auto folder =
      std::filesystem::temp_directory_path() / ("pool-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto fifo = folder / "logged";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    int came = 0, seen = 0, most = 0;
    Running task(fixture.io);
    task.handle.on_log = [&](const child::v1::Log&) { ++came; };
    task.start(fixture, "log_and_open", kLines, fifo.string());
    co_await task.until_started();
    // The loop reads nothing until all lines are there.
    const std::ifstream logged(fifo);
    while (!task.outcome) {
      most = std::max(most, came - std::exchange(seen, came));
      co_await asio::post(fixture.io, asio::use_awaitable);
    }
    CHECK(came == kLines);
    CHECK(most < kLines / 2);
  });
  std::filesystem::remove_all(folder);
}

TEST_CASE("F014 100,000 tasks one after the other in each of two children: no wake-up is lost") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const auto mine = fixture.pool.child_pids();
    int answered = 0;
    auto half = [&]() -> asio::awaitable<void> {
      for (int i = 0; i < 50'000; ++i)
        answered += result<int>(co_await fixture.call("own_pid")) > 0;
    };
    co_await (half() && half());
    CHECK(answered == 100'000);
    CHECK(fixture.pool.child_pids() == mine);
  });
}

TEST_CASE("a child keeps no descriptor it does not need, no secret, and the nice value asked for") {
  ::setenv("TEMPORAL_API_KEY", "secret", 1);
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    // stdin, stdout, stderr; the ear; the bell; the bulk socket; the module's private copy.
    CHECK(result<int>(co_await fixture.call("open_descriptors")) == 7);
    CHECK(result<std::string>(co_await fixture.call("environment", "TEMPORAL_API_KEY"s)).empty());
    CHECK_FALSE(result<std::string>(co_await fixture.call("environment", "PATH"s)).empty());
    CHECK(result<int>(co_await fixture.call("nice_value")) >= 5);
  });
  ::unsetenv("TEMPORAL_API_KEY");
}

TEST_CASE("what a child prints is logged, line by line") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    (void)co_await fixture.call("print", "a printed line"s);
    (void)co_await fixture.call("print", "another"s);
  });
  CHECK(fixture.log.contain("info a printed line"));
  CHECK(fixture.log.contain("info another"));
}
