// SPDX-License-Identifier: MIT
#include "supervisor/threads/watchdog.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "supervisor/threads/task_executor.hpp"
#include "tests/supervisor/threads/loops.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::test::kBound;
using temporal::test::SharedLog;
using temporal::test::sleepy;
using temporal::test::StuckLoop;

namespace {

using Lines = std::vector<std::string>;

Lines stack_of(Watchdog& watchdog, pid_t thread) {
  std::promise<Lines> lines;
  watchdog.stack_of(thread, [&](Lines taken) { lines.set_value(std::move(taken)); });
  return lines.get_future().get();
}

// Until the watchdog has asked, and the loop has answered once.
void settle(Watchdog& watchdog, StuckLoop& loop) {
  (void)stack_of(watchdog, 0);
  loop.catch_up();
}

}  // namespace

TEST_CASE("AX27 an activity that blocks its loop is named while it blocks") {
  SharedLog log;
  StuckLoop loop;
  Watchdog watchdog(log);
  const auto watch = watchdog.watch("loop-3", Watchdog::LoopKind::user, loop.executor());
  settle(watchdog, loop);

  const auto begin = std::chrono::steady_clock::now();
  loop.will_stick(TaskExecutor(loop.executor(), sleepy()));
  const auto line = log.line(0);
  CHECK(line.fields["loop"] == "loop-3");
  CHECK(line.fields["activity_type"] == "sleepy");
  CHECK(line.fields["stuck_ms"] >= 100);
  CHECK(line.fields["stack"].is_array());
  MESSAGE("told after ms: ",
          std::chrono::duration_cast<std::chrono::milliseconds>(line.at - begin).count());
  CHECK(watchdog.stalls().at(0).count == 1);
  loop.release();
  // It may have lasted long enough to be told of again.
  std::size_t next = 1;
  while (log.line(next).message != "the loop goes on") ++next;
  CHECK(watchdog.stalls().at(0).loop == "loop-3");
}

TEST_CASE("a loop that comes and goes while others are watched") {
  SharedLog log;
  StuckLoop stays;
  Watchdog watchdog(log, {.stall = 2ms, .quiet = 1h});
  const auto watch = watchdog.watch("stays", Watchdog::LoopKind::user, stays.executor());
  for (int i = 0; i < 20; ++i) {
    StuckLoop goes;
    const auto short_watch = watchdog.watch("goes", Watchdog::LoopKind::user, goes.executor());
    settle(watchdog, goes);
  }
  settle(watchdog, stays);
  CHECK(watchdog.stalls().size() == 21);
}

TEST_CASE("a stall of 0 watches nothing") {
  SharedLog log;
  StuckLoop loop;
  Watchdog watchdog(log, {.stall = 0ms});
  const auto watch = watchdog.watch("loop-0", Watchdog::LoopKind::user, loop.executor());
  settle(watchdog, loop);
  CHECK(watchdog.stalls().at(0).count == 0);
}

TEST_CASE("the stack of any thread can be asked for") {
  SharedLog log;
  Watchdog watchdog(log);
  StuckLoop loop;
  pid_t thread = 0;
  boost::asio::post(loop.executor(), [&] { thread = ::gettid(); });
  loop.catch_up();
  loop.will_stick(loop.executor());
  loop.is_stuck();
  const auto lines = stack_of(watchdog, thread);
  CHECK(lines.size() > 1);
  loop.release();
  CHECK(stack_of(watchdog, 0).empty());
}

TEST_CASE("a ring is answered on the watchdog's thread") {
  SharedLog log;
  Watchdog watchdog(log);
  std::promise<pid_t> answered;
  watchdog.on_ring([&] { answered.set_value(::gettid()); });
  watchdog.ring();
  auto thread = answered.get_future();
  REQUIRE(thread.wait_for(kBound) == std::future_status::ready);
  CHECK(thread.get() == watchdog.thread());
  watchdog.on_ring({});
}
