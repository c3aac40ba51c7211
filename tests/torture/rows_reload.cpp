// SPDX-License-Identifier: MIT
// New code under load, code that does not come up, and code that is not what was asked for.
#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "tests/supervisor/children/reload_fixture.hpp"
#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

namespace {

PoolOptions reload_options(const ModuleFile& module, int children) {
  auto pool = torture_options(children);
  pool.program.modules.push_back(module.path());
  pool.program.needs.activities = {"generation", "generation_after", "say_hello"};
  return pool;
}

asio::awaitable<void> expect_reload(Invariants& row) {
  const auto refused = co_await reload(row.fixture());
  CHECK(refused == "");
}

asio::awaitable<void> expect_answer(Invariants& row, int generation) {
  const auto outcome = co_await row.fixture().call("generation");
  CHECK(result<int>(outcome) == generation);
}

/// The bystander may hold its own generation's zygote.
asio::awaitable<void> until_settled(Invariants& row, std::size_t zygotes) {
  co_await until_full(row.fixture(), row.children());
  const auto settled = [&] {
    const auto now = row.pool().counts();
    return now.starting == 0 && now.stopping == 0 && children_of(::getpid()).size() == zygotes;
  };
  while (!settled()) co_await supervisor::pause(1ms);
}

}  // namespace

TEST_CASE(
    "row 23: reloads with 1,000 activities in flight lose none, and the old processes drain") {
  constexpr std::size_t kInFlight = 1'000;
  const int reloads = times(3, 40);
  ModuleFile module;
  Invariants row(reload_options(module, 8), {.loops = true});
  row.hold([&]() -> asio::awaitable<void> {
    std::size_t old_results = 0, new_results = 0;
    for (int round = 0; round < reloads; ++round) {
      CAPTURE(round);
      const int before = 1 + round % 2, after = 3 - before;
      auto old = row.victims();
      const pid_t old_zygote = row.pool().zygote_pid();
      std::vector<std::unique_ptr<Running>> in_flight, later;
      for (std::size_t i = 0; i < kInFlight; ++i) {
        in_flight.push_back(std::make_unique<Running>(row.io()));
        in_flight.back()->start(row.fixture(), "generation_after", static_cast<int>(4 * (i % 5)));
        if (i % 50 == 0) co_await asio::post(row.io(), asio::use_awaitable);
      }
      co_await in_flight[kInFlight / 10]->until_ended();
      module.put(after);
      co_await expect_reload(row);
      CHECK(std::ranges::any_of(in_flight, [](const auto& one) { return !one->outcome; }));
      for (int i = 0; i < 20; ++i) {
        later.push_back(std::make_unique<Running>(row.io()));
        later.back()->start(row.fixture(), "generation");
      }
      for (auto& one : later) {
        co_await one->until_ended();
        CHECK(result<int>(*one->outcome) == after);
      }
      std::size_t of_old = 0, of_new = 0;
      for (auto& one : in_flight) {
        co_await one->until_ended();
        ++(result<int>(*one->outcome) == before ? of_old : of_new);
      }
      CHECK(of_old >= kInFlight / 10);
      CHECK(of_new > 0);
      old_results += of_old;
      new_results += of_new;
      co_await until_settled(row, 2);  // the first one's is the bystander's
      for (pid_t pid : old) CHECK_FALSE(alive(pid));
      CHECK(alive(old_zygote) == (round == 0));
    }
    // All that ever were there, but those that are there now; the bystander's leaves later, and is replaced.
    row.expect("reloaded",
               row.pool().counts().starts - static_cast<std::uint64_t>(row.children()) + 1);
    CHECK(row.pool().counts().reloads == static_cast<std::uint64_t>(reloads));
    row.count(std::to_string(reloads) + " reloads, " + std::to_string(old_results) + " old and " +
              std::to_string(new_results) + " new results");
  });
}

TEST_CASE("row 50: code that does not come up after a reload, and after a zygote's death") {
  ModuleFile module;
  Invariants row(reload_options(module, 2), {.bystander = false});
  row.hold([&]() -> asio::awaitable<void> {
    // As a reload: nobody notices.
    module.put(2);
    std::uint64_t refused = 0;
    for (const auto& word : {"object"s, "preload"s, "start"s, "gone"s}) {
      CAPTURE(word);
      module.order(word);
      if (word == "gone") module.take_away();
      const auto why = co_await reload(row.fixture());
      CHECK(why != "");
      CHECK(row.pool().capacity() == row.children());
      CHECK_FALSE(row.pool().degraded());
      co_await expect_answer(row, 1);
      refused += word == "start";
    }
    row.expect("not_started", refused);

    // After the zygote's death there is nothing else to serve with: no places until it is back.
    Running waits(row.io());
    ::kill(row.pool().zygote_pid(), SIGKILL);
    row.expect("zygote_died", static_cast<std::uint64_t>(row.children()));
    while (row.pool().capacity() > 0) co_await supervisor::pause(1ms);
    waits.start(row.fixture(), "generation");
    while (!row.pool().degraded()) {
      CHECK(row.pool().capacity() == 0);
      co_await supervisor::pause(1ms);
    }
    CHECK(row.fixture().log.contain("No such file or directory"));
    CHECK_FALSE(waits.outcome);
    module.order_nothing();
    module.put(2);
    co_await waits.until_ended();
    CHECK(result<int>(*waits.outcome) == 2);
    co_await until_full(row.fixture(), row.children());
    CHECK_FALSE(row.pool().degraded());

    // Code that comes up once, and never again.
    module.put(1);
    co_await expect_reload(row);
    co_await until_settled(row, 1);
    row.expect("reloaded", static_cast<std::uint64_t>(row.children()));
    module.order("object");
    ::kill(row.pool().zygote_pid(), SIGKILL);
    row.expect("zygote_died", static_cast<std::uint64_t>(row.children()));
    while (!row.pool().degraded()) co_await supervisor::pause(1ms);
    CHECK(row.pool().capacity() == 0);
    CHECK(row.fixture().log.contain("no object today"));
    module.order_nothing();
    co_await expect_reload(row);  // as soon as it is asked for
    co_await expect_answer(row, 1);
    row.count("4 reloads refused, 2 zygotes");
  });
}

TEST_CASE(
    "row 60: a new generation that lacks what is asked for is refused, one with more is taken") {
  ModuleFile module;
  Invariants row(reload_options(module, 2));
  row.hold([&]() -> asio::awaitable<void> {
    const pid_t zygote = row.pool().zygote_pid();
    std::vector<std::unique_ptr<Running>> in_flight;
    for (int i = 0; i < 100; ++i) {
      in_flight.push_back(std::make_unique<Running>(row.io()));
      in_flight.back()->start(row.fixture(), "generation_after", 2);
    }
    module.put(2);
    module.order("less");
    const auto why = co_await reload(row.fixture());
    CHECK(why.find("activity 'generation'") != std::string::npos);
    CHECK(why.find("(build ") != std::string::npos);
    CHECK(row.fixture().log.contain("\"build\":\""));
    for (auto& one : in_flight) {
      co_await one->until_ended();
      CHECK(result<int>(*one->outcome) == 1);
    }
    CHECK(row.pool().zygote_pid() == zygote);
    CHECK(row.pool().counts().refused_reloads == 1);

    module.order("more");
    co_await expect_reload(row);
    co_await expect_answer(row, 2);
    const auto news = co_await row.fixture().call("news");
    CHECK(result<int>(news) == 2);
    co_await until_settled(row, 2);
    // With the bystander's, which is the last to leave.
    row.expect("reloaded", static_cast<std::uint64_t>(row.children()));
    row.count("1 refused, 1 taken");
  });
}
