// SPDX-License-Identifier: MIT
// Arguments and answers that no record of a ring holds.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "temporal/names.hpp"
#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

// Of the module; here only its name is wanted.
std::string look_at_memory(BytesView bytes, const std::string& beside);

TEST_CASE("payloads of every size cross, up to the cap") {
  auto small = options(1);
  small.child.largest_bulk = 8 << 20;
  PoolFixture fixture(small);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (int size : {0, 1, 32 * 1024 - 64, 32 * 1024, 40'000, 4 << 20}) {
      CAPTURE(size);
      const std::string text(static_cast<std::size_t>(size), 't');
      auto outcome = co_await fixture.call("repeat", text, 1);
      CHECK(result<std::string>(outcome) == text);
    }
    auto outcome = co_await fixture.call("say_hello", std::string(9 << 20, 'x'));
    CHECK(type_of(outcome) == "PayloadTooLarge");
    CHECK(failure(outcome).application_failure_info().non_retryable());
    outcome = co_await fixture.call("repeat", "a kilobyte, or so it seems"s, 400'000);
    CHECK(type_of(outcome) == "PayloadTooLarge");
    CHECK(failure(outcome).application_failure_info().non_retryable());
    outcome = co_await fixture.call("say_hello", "still here"s);
    CHECK(result<std::string>(outcome) == "Hello, still here!");
  });
}

TEST_CASE("a segment of a child that has nothing large to do is given back, and made again") {
  auto brief = options(1);
  brief.child.bulk_idle = 20ms;
  PoolFixture fixture(brief);
  const auto segments = [] {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);)
      count += line.find("memfd:temporal-bulk") != std::string::npos;
    return count;
  };
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (const std::size_t size : {100'000U, 3U << 20}) {
      const std::string text(size, 't');
      auto outcome = co_await fixture.call("repeat", text, 1);
      CHECK(result<std::string>(outcome) == text);
      while (segments() > 0) co_await supervisor::pause(1ms);
      outcome = co_await fixture.call("repeat", text, 1);
      CHECK(result<std::string>(outcome) == text);
    }
  });
  CHECK(segments() == 0);
}

TEST_CASE("a view of a large argument is of the segment itself, which the child may only read") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::string text(1 << 20, '-');
    text.front() = 'a';
    text.back() = 'b';
    const auto call = [&](std::string seen, std::string copied) -> asio::awaitable<Outcome> {
      const Bytes bytes(seen);
      auto outcome = co_await fixture.call("look_at_memory", bytes, copied);
      co_return outcome;
    };
    for (int i = 0; i < 3; ++i) {
      auto outcome = co_await call(text, text);
      CHECK(result<std::string>(outcome) == "r--s aba");
      outcome = co_await call("a little b", "c");
      CHECK(result<std::string>(outcome) == "rw-p abc");
      outcome = co_await call("a little b", text);
      CHECK(result<std::string>(outcome) == "rw-p aba");
    }
    auto outcome = co_await fixture.call("look_at_memory", text, text);
    CHECK(type_of(outcome) == "temporal::DecodeError");
    CHECK(failure(outcome).message().find("argument 1 of 2") != std::string::npos);
  });
}

TEST_CASE("the same holds for what a coroutine hands over") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    child::v1::Start start;
    start.set_function(std::string(detail::full_symbol<look_at_memory>()));
    const std::string text(1 << 20, 'a');
    to_proto(to_payload(Bytes(text)), start.mutable_input()->add_payloads());
    to_proto(to_payload(text), start.mutable_input()->add_payloads());
    AttemptHandle handle;
    const auto outcome = co_await fixture.pool.run(std::move(start), handle);
    CHECK(result<std::string>(outcome) == "r--s aaa");
  });
}

TEST_CASE("a large answer that was published before the death counts") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    for (int i = 0; i < 20; ++i) {
      // Once before, so that it has a segment.
      (void)co_await fixture.call("repeat", "a megabyte and more"s, 100'000);
      Running running(fixture.io);
      running.start(fixture, "repeat", "a megabyte and more"s, 100'000);
      co_await running.until_started();
      while (!fixture.pool.answer_waits()) ::usleep(100);  // the loop stands still
      ::kill(running.handle.pid(), SIGKILL);
      co_await running.until_ended();
      CHECK(result<std::string>(*running.outcome).size() == 1'900'000);
      co_await until_full(fixture, 1);
    }
  });
}

TEST_CASE("a large argument whose child dies while it is being written goes to the next one") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const std::string text(4 << 20, 't');
    for (int i = 0; i < 10; ++i) {
      Running running(fixture.io);
      running.start(fixture, "spin", text, 0);
      while (fixture.pool.idle_count() == 2) co_await supervisor::pause(0ms);
      for (const pid_t pid : fixture.pool.child_pids()) ::kill(pid, SIGKILL);
      co_await running.until_ended();
      // It was sent by then, or it was not.
      if (std::holds_alternative<Completed>(*running.outcome))
        CHECK(result<std::string>(*running.outcome) == text);
      else
        CHECK(type_of(*running.outcome) == "ActivityProcessKilled");
      co_await until_full(fixture, 2);
      (void)co_await fixture.call("no_op");
    }
  });
}
