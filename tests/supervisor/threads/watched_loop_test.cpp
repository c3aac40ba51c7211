// SPDX-License-Identifier: MIT
// The watchdog's clock is moved by hand here; the loops and their blocks are real.
#include "supervisor/threads/watched_loop.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/threads/stacks.hpp"
#include "supervisor/threads/task_executor.hpp"
#include "tests/supervisor/threads/loops.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::LogLevel;
using temporal::test::SharedLog;
using temporal::test::sleepy;
using temporal::test::StuckLoop;

namespace {

constexpr WatchdogOptions kOptions{.stall = 100ms, .again = {1s, 10s}, .quiet = 10s};

struct Told final : Watchdog::Listener {
  void on_answer(Watchdog::LoopKind, std::chrono::nanoseconds lag) override { lags.push_back(lag); }
  void on_stall(std::string_view activity_type) override { stalls.emplace_back(activity_type); }
  std::vector<std::chrono::nanoseconds> lags;
  std::vector<std::string> stalls;
};

struct Watched {
  explicit Watched(Watchdog::LoopKind kind = Watchdog::LoopKind::user)
      : watched(std::make_shared<Watchdog::Loop>("loop-0", kind, loop.executor(), kOptions, log,
                                                 &told)) {
    prepare_stacks();
    look(0ms);
    loop.catch_up();
  }
  ~Watched() { watched->unwatch(); }

  void look(std::chrono::milliseconds passed) {
    watched->look(passed, std::chrono::steady_clock::now() - passed);
  }
  template <typename Executor>
  void stick(const Executor& executor) {
    loop.will_stick(executor);
    loop.is_stuck();
    look(50ms);  // asks
  }
  void go_on() {
    loop.release();
    loop.catch_up();
    look(50ms);
  }
  void block_for(std::chrono::milliseconds duration) {
    stick(task);
    look(duration);
    go_on();
  }

  Told told;
  SharedLog log;
  StuckLoop loop;
  TaskExecutor task{loop.executor(), sleepy()};
  std::shared_ptr<Watchdog::Loop> watched;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("AX27 a block is told of while it lasts: at the stall, at 1 s, at 10 s, and its end") {
  Watched w;
  w.stick(w.task);
  w.look(50ms);
  CHECK(w.log.lines().empty());
  w.look(50ms);
  REQUIRE(w.log.lines().size() == 1);
  const auto first = w.log.lines()[0];
  CHECK(first.level == LogLevel::warn);
  CHECK(has(first.message, "a loop thread is stuck"));
  CHECK(first.fields["loop"] == "loop-0");
  CHECK(first.fields["stuck_ms"] == 100);
  CHECK(first.fields["activity_type"] == "sleepy");
  CHECK(first.fields["activity_id"] == "5");
  CHECK(first.fields["workflow_type"] == "Night");
  CHECK(first.fields["workflow_id"] == "night-1");
  CHECK(first.fields["run_id"] == "r-1");
  CHECK(first.fields["attempt"] == 2);
  CHECK(has(first.fields["stack"].dump(), "Pipe::take"));

  w.look(800ms);
  CHECK(w.log.lines().size() == 1);
  w.look(100ms);
  w.look(8900ms);
  CHECK(w.log.lines().size() == 2);
  w.look(100ms);
  w.look(60s);
  REQUIRE(w.log.lines().size() == 3);
  CHECK(w.log.lines()[1].fields["stuck_ms"] == 1000);
  CHECK(w.log.lines()[2].fields["stuck_ms"] == 10000);
  CHECK(w.watched->stalls().count == 1);
  CHECK(w.watched->stalls().total == 70s);

  w.go_on();
  REQUIRE(w.log.lines().size() == 4);
  const auto last = w.log.lines()[3];
  CHECK(last.message == "the loop goes on");
  CHECK(last.fields["activity_type"] == "sleepy");
  CHECK(last.fields["stuck_ms"] >= 70000);
  CHECK(last.fields["stuck_ms"] <= 70050);
  CHECK(w.watched->stalls().count == 1);
  CHECK(w.watched->stalls().total >= 70s);
}

TEST_CASE("a loop that answers in time is not mentioned") {
  Watched w;
  for (int i = 0; i < 5; ++i) w.block_for(99ms);
  CHECK(w.log.lines().empty());
  CHECK(w.watched->stalls().count == 0);
}

TEST_CASE("AX27 who listens hears of each answer and its delay, and once of each stall") {
  Watched w;
  for (int i = 0; i < 2; ++i) w.block_for(2s);
  CHECK(w.told.stalls == std::vector<std::string>(2, "sleepy"));
  CHECK(std::ranges::count_if(w.told.lags, [](auto lag) { return lag >= 2s; }) == 2);
  CHECK(std::ranges::count_if(w.told.lags, [](auto lag) { return lag < 100ms; }) >= 2);
}

TEST_CASE("blocks in a row are counted, and told of once in the quiet time") {
  Watched w;
  for (int i = 0; i < 4; ++i) w.block_for(200ms);
  REQUIRE(w.log.lines().size() == 2);  // the first, and its end
  CHECK(!w.log.lines()[0].fields.contains("suppressed"));
  CHECK(w.watched->stalls().count == 4);
  CHECK(w.watched->stalls().total >= 800ms);

  // A longer one is news.
  w.block_for(1100ms);
  REQUIRE(w.log.lines().size() == 4);
  CHECK(w.log.lines()[2].fields["stuck_ms"] == 1100);
  CHECK(w.log.lines()[2].fields["suppressed"] == 3);

  w.block_for(200ms);
  CHECK(w.log.lines().size() == 4);
  w.loop.catch_up();  // or the question of the last look is what is not answered for 10 s
  w.look(10s);
  w.loop.catch_up();
  w.block_for(200ms);
  REQUIRE(w.log.lines().size() == 6);
  CHECK(w.log.lines()[4].fields["suppressed"] == 1);
}

TEST_CASE("a block of the core loop is said to be our own fault") {
  Watched w(Watchdog::LoopKind::core);
  w.stick(w.loop.executor());
  w.look(100ms);
  REQUIRE(w.log.lines().size() == 1);
  CHECK(has(w.log.lines()[0].message, "a bug of temporal-supervisor"));
  CHECK(has(w.log.lines()[0].fields["stack"].dump(), "Pipe::take"));
  CHECK(!w.log.lines()[0].fields.contains("activity_type"));
  w.go_on();
}

TEST_CASE("a thread that takes no signals is named without a stack") {
  Watched w;
  const auto mask = [&](int how) {
    asio::post(w.loop.executor(), [how] {
      sigset_t all;
      ::sigfillset(&all);
      ::pthread_sigmask(how, &all, nullptr);
    });
  };
  mask(SIG_BLOCK);
  w.stick(w.task);
  w.look(100ms);
  REQUIRE(w.log.lines().size() == 1);
  CHECK(w.log.lines()[0].fields["activity_id"] == "5");
  CHECK(has(w.log.lines()[0].fields["stack"].dump(), "takes no signals"));
  mask(SIG_UNBLOCK);
  w.go_on();
}

TEST_CASE("many steps that take long together are told apart from one that blocks") {
  Watched w;
  w.loop.will_stick(w.loop.executor());
  w.loop.is_stuck();
  asio::post(w.task, [] {});
  w.loop.will_stick(w.task);
  w.look(50ms);  // asks, behind the two
  w.loop.release();
  w.loop.is_stuck();
  w.look(100ms);
  REQUIRE(w.log.lines().size() == 1);
  CHECK(has(w.log.lines()[0].message, "does not keep up"));
  CHECK(w.log.lines()[0].fields["steps"] == 2);
  w.go_on();
}

TEST_CASE("what is not watched any more is not asked") {
  Watched w;
  w.stick(w.task);
  w.watched->unwatch();
  w.look(10s);
  CHECK(w.log.lines().empty());
  w.loop.release();
}
