// SPDX-License-Identifier: MIT
// The parts of the pool that need no process.
#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "supervisor/children/completion.hpp"
#include "supervisor/children/hearing.hpp"
#include "supervisor/children/kill_ladder.hpp"
#include "supervisor/children/memory_kills.hpp"
#include "supervisor/children/outcome.hpp"
#include "supervisor/children/output.hpp"
#include "supervisor/children/placement.hpp"
#include "supervisor/children/ring_balance.hpp"
#include "supervisor/children/shares.hpp"
#include "supervisor/children/spawn_budget.hpp"
#include "tests/support/folder.hpp"

using namespace temporal::supervisor::children;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_CASE("boot crashes are backed off by powers of two, and forgiven by the first ready child") {
  SpawnBudget budget(2);
  Clock::time_point now{};
  for (auto expected : {100ms, 200ms, 400ms, 800ms}) {
    CHECK(budget.boot_crash(now) == expected);
    CHECK_FALSE(budget.degraded(now));
  }
  CHECK(budget.boot_crash(now) == 1600ms);
  CHECK(budget.degraded(now));
  for (int i = 0; i < 20; ++i) (void)budget.boot_crash(now);
  CHECK(budget.boot_crash(now) == 30s);
  budget.became_ready();
  CHECK_FALSE(budget.degraded(now));
  CHECK(budget.boot_crash(now) == 100ms);
}

TEST_CASE("task crashes are replaced at once until the budget is spent, and forgotten with time") {
  SpawnBudget budget(2);
  Clock::time_point now{};
  CHECK(budget.task_crash(now) == 0ms);
  for (int i = 1; i < 5; ++i) CHECK(budget.task_crash(now) <= 50ms);
  CHECK_FALSE(budget.degraded(now));
  CHECK(budget.task_crash(now) == 100ms);
  CHECK(budget.degraded(now));
  CHECK(budget.task_crash(now) == 200ms);
  CHECK_FALSE(budget.degraded(now + 61s));
  CHECK(budget.task_crash(now + 61s) == 0ms);
  budget.completed_task();
  CHECK_FALSE(budget.degraded(now));

  SpawnBudget large(10);
  for (int i = 0; i < 20; ++i) CHECK(large.task_crash(now) <= 50ms);
  CHECK(large.task_crash(now) == 100ms);
}

TEST_CASE("offloaded tasks have what is beyond the polled tasks' children, and no more") {
  const Shares shares(2, 2, 3);
  const auto ready = [](int children, int polled, int offloaded) {
    return Census{.staying = children, .ready = children, .polled = polled, .offloaded = offloaded};
  };
  CHECK(shares.free(Share::polled, ready(2, 0, 0)) == 2);
  CHECK(shares.free(Share::offload, ready(2, 0, 0)) == 0);
  CHECK(shares.free(Share::offload, ready(3, 0, 0)) == 1);
  CHECK(shares.free(Share::polled, ready(3, 0, 0)) == 2);
  CHECK(shares.free(Share::polled, ready(3, 0, 1)) == 2);
  CHECK(shares.free(Share::offload, ready(9, 0, 1)) == 2);
  // A polled task's child died: nobody makes it wait longer.
  CHECK(shares.places(Share::polled, ready(4, 1, 3)) == 1);
  CHECK(shares.free(Share::offload, ready(4, 1, 2)) == 0);
  CHECK(shares.wanted({.offload_calls = 0}) == 2);
  CHECK(shares.wanted({.offload_calls = 2}) == 4);
  CHECK(shares.wanted({.offload_calls = 7}) == 5);
  // Whatever may be taken is there, and taking it leaves the polled tasks as many places.
  for (int children = 0; children <= 5; ++children)
    for (int polled = 0; polled <= std::min(children, 2); ++polled)
      for (int offloaded = 0; offloaded <= std::min(children - polled, 3); ++offloaded) {
        const auto now = ready(children, polled, offloaded);
        const int idle = children - polled - offloaded;
        CHECK(shares.free(Share::polled, now) <= idle);
        CHECK(shares.free(Share::offload, now) <= idle);
        if (shares.free(Share::offload, now) > 0)
          CHECK(shares.places(Share::polled, ready(children, polled, offloaded + 1)) ==
                shares.places(Share::polled, now));
      }
}

TEST_CASE("AX5 children come while polled tasks need them; what is promised is what may come") {
  const Shares shares(2, 4, 1);
  const auto needed = [](int ready, int polled_calls, int offload_calls = 0) {
    return Census{.staying = ready,
                  .ready = ready,
                  .polled = std::min(ready, polled_calls),
                  .polled_calls = polled_calls,
                  .offload_calls = offload_calls};
  };
  CHECK(shares.wanted(needed(2, 0)) == 2);
  CHECK(shares.wanted(needed(2, 3)) == 3);
  CHECK(shares.wanted(needed(4, 9)) == 4);
  CHECK(shares.wanted(needed(2, 3, 2)) == 4);
  CHECK(shares.promised(needed(2, 0)) == 4);
  CHECK_MESSAGE(shares.promised(needed(1, 0)) == 1, "one is missing of those always there");
  CHECK(shares.spare(needed(4, 1)) == 2);
  CHECK(shares.spare(needed(4, 4)) == 0);
  CHECK(shares.free(Share::polled, needed(3, 2)) == 1);
  CHECK_MESSAGE(shares.free(Share::offload, needed(3, 2)) == 1, "nobody needs the third");
  CHECK(shares.free(Share::offload, needed(3, 3)) == 0);
  const Shares large(2, 8, 2);  // of which no more than four can be had
  CHECK_MESSAGE(large.free(Share::offload, {.ready = 4, .polled = 3, .polled_calls = 8}) == 1,
                "who waits has no child that others could not have");
}

TEST_CASE("row 8: a kill for memory is claimed once, and one that nobody claims is forgotten") {
  const temporal::test::Folder folder;
  const auto counter = folder.path() / "memory.events";
  const auto write = [&](int kills) {
    std::ofstream(counter) << "low 0\nhigh 7\noom 3\noom_kill " << kills << "\n";
  };
  write(5);
  MemoryKills kills(counter);
  CHECK_FALSE_MESSAGE(kills.claim(), "those before are nobody's");
  write(7);
  CHECK(kills.claim());
  CHECK(kills.claim());
  CHECK_FALSE(kills.claim());
  MemoryKills beside(counter);
  CHECK_FALSE_MESSAGE(beside.claim(), "another pool's child has claimed it");
  Clock::time_point now{1h};
  kills.look(now);
  write(8);
  kills.look(now += 1s);
  kills.look(now += 1s);
  CHECK(kills.claim());
  write(9);
  for (int i = 0; i < 3; ++i) kills.look(now += 1s);
  CHECK_FALSE(kills.claim());
  write(10);
  kills.look(now += 1h);
  CHECK_FALSE_MESSAGE(kills.claim(), "nobody knows when that was");
  CHECK_FALSE(MemoryKills(folder.path() / "none").claim());
}

TEST_CASE("the ladder asks, then kills, then gives up") {
  KillLadder ladder(2s);
  Clock::time_point now{};
  CHECK(ladder.tick(now + 100s) == 0);
  CHECK(ladder.terminate(now) == SIGTERM);
  CHECK(ladder.terminate(now + 1s) == 0);
  CHECK(ladder.tick(now + 1999ms) == 0);
  CHECK(ladder.tick(now + 2s) == SIGKILL);
  CHECK(ladder.tick(now + 3s) == 0);
  CHECK(ladder.state() == KillLadder::State::killed);
  CHECK(ladder.tick(now + 12s) == 0);
  CHECK(ladder.state() == KillLadder::State::lost);

  KillLadder hurried(2s);
  CHECK(hurried.terminate(now) == SIGTERM);
  CHECK(hurried.kill(now) == SIGKILL);
  CHECK(hurried.kill(now) == 0);

  KillLadder patient(2s);
  patient.allow(1h);
  CHECK(patient.terminate(now) == SIGTERM);
  CHECK(patient.tick(now + 59min) == 0);
  CHECK(patient.tick(now + 1h) == SIGKILL);
  KillLadder endless(2s);
  endless.allow(Clock::duration::max());
  CHECK(endless.terminate(now) == SIGTERM);
  CHECK(endless.tick(now + 1h) == 0);
}

namespace {

std::string type_of(const Death& death) {
  return failure_of(death).application_failure_info().type();
}
Death death_by(int wait_status) {
  Death death;
  death.wait_status = wait_status;
  return death;
}

}  // namespace

TEST_CASE("AX14 a child is bound to the core that has the fewest of them") {
  const std::vector cores{2, 3, 7};
  CHECK(least_taken(cores, {}) == 2);
  CHECK(least_taken(cores, std::vector{2}) == 3);
  CHECK(least_taken(cores, std::vector{2, 3, 7}) == 2);
  CHECK(least_taken(cores, std::vector{2, 2, 3, 7}) == 3);
  CHECK(least_taken({}, {}) == -1);
  CHECK_FALSE(allowed_cores().empty());
}

TEST_CASE("every kind of death has its own name") {
  CHECK(type_of(death_by(SIGKILL)) == "ActivityProcessKilled");
  CHECK(type_of(death_by(SIGTERM)) == "ActivityProcessKilled");
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    CHECK(type_of(death_by(fault | 0x80)) == "ActivityProcessCrashed");
  CHECK(type_of(death_by(SIGXCPU | 0x80)) == "ActivityCpuLimit");
  CHECK(type_of(death_by(0)) == "ActivityProcessExited");
  CHECK(type_of(death_by(7 << 8)) == "ActivityProcessExited");
  CHECK(type_of(Death{}) == "ActivityProcessKilled");

  Death death = death_by(SIGKILL);
  death.out_of_memory = true;
  CHECK(type_of(death) == "ActivityProcessOutOfMemory");
  CHECK(reason_of(death) == "out_of_memory");
  death.zygote_died = true;
  CHECK(type_of(death) == "ActivityProcessKilled");
  death.killed_for = KillReason::corrupt;
  CHECK(type_of(death) == "ActivityProcessCorrupt");
  death.killed_for = KillReason::worker_shutdown;
  CHECK(type_of(death) == "WorkerShutdown");
  death = death_by(SIGTERM);
  death.killed_for = KillReason::by_operator;
  CHECK(type_of(death) == "ActivityProcessKilled");
  CHECK(failure_of(death).message().find("by an operator") != std::string::npos);
  CHECK(reason_of(death) == "operator");
  Death stuck;
  stuck.stuck = true;
  stuck.killed_for = KillReason::timed_out;  // SIGKILL was of no use: it is always of our doing
  CHECK(type_of(stuck) == "ActivityProcessLost");
  Death unreaped;
  unreaped.crash.emplace();
  unreaped.crash->signal = SIGSEGV;
  CHECK_MESSAGE(type_of(unreaped) == "ActivityProcessCrashed", "its handler said so");
}

TEST_CASE("the details of a death are JSON whatever the process printed") {
  Death death = death_by(SIGSEGV | 0x80);
  death.pid = 42;
  death.activity_type = "transcode";
  death.incarnation = 7;
  death.uptime = 1500ms;
  death.task_time = 20ms;
  death.max_rss_kb = 4096;
  death.stderr_tail = "not UTF-8: \xff\xfe";
  auto failure = failure_of(death);
  CHECK(failure.message().find("activity transcode: its process 42") == 0);
  auto details =
      nlohmann::json::parse(failure.application_failure_info().details().payloads(0).data());
  CHECK(details["pid"] == 42);
  CHECK(details["incarnation"] == 7);
  CHECK(details["signal"] == SIGSEGV);
  CHECK(details["core_dumped"] == true);
  CHECK(details["uptime_ms"] == 1500);
  CHECK(details["task_ms"] == 20);
  CHECK(details["maxrss_kb"] == 4096);
  CHECK(details["stderr_tail"].get<std::string>().find("not UTF-8") == 0);
}

TEST_CASE("a failure is small enough for the server to keep it whole; what was printed gives way") {
  Death death = death_by(SIGSEGV);
  death.activity_type = "transcode";
  death.stderr_tail = std::string(4096, '"') + "the last line";
  death.stack.where = std::string(3'000, 'w');
  death.stack.lines.push_back("not UTF-8: \xff");
  for (int i = 0; i < 64; ++i) death.stack.lines.push_back("frame " + std::string(100, 'f'));
  const auto failure = failure_of(death);
  CHECK(failure.ByteSizeLong() < 4096);
  CHECK(failure.application_failure_info().type() == "ActivityProcessCrashed");
  CHECK(failure.stack_trace().ends_with(" more\n"));
  CHECK_NOTHROW((void)nlohmann::json(failure.stack_trace()).dump());
  const auto details =
      nlohmann::json::parse(failure.application_failure_info().details().payloads(0).data());
  CHECK(details["stderr_tail"].get<std::string>().ends_with("the last line"));
}

TEST_CASE("output is handed on in lines, its tail kept, its excess dropped and counted") {
  boost::asio::io_context io;
  auto pipe = Output::open(io.get_executor());
  REQUIRE(pipe.output);
  std::vector<std::string> lines;
  pipe.output->start([&](std::string_view line) { lines.emplace_back(line); });
  auto write = [&](std::string_view text) {
    REQUIRE(::write(pipe.writer.get(), text.data(), text.size()) == ssize_t(text.size()));
    pipe.output->drain();
  };
  write("one\ntwo\n\nunfinished");
  CHECK(lines == std::vector<std::string>{"one", "two", "", "unfinished"});
  CHECK(pipe.output->tail() == "one\ntwo\n\nunfinished");

  lines.clear();
  write(std::string(20'000, 'x'));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].size() == Output::kLongestLine);
  CHECK(lines[0].size() + lines[1].size() + lines[2].size() == 20'000);
  CHECK(pipe.output->tail() == std::string(Output::kTail, 'x'));
  pipe.output->forget_tail();
  CHECK(pipe.output->tail().empty());

  for (int i = 0; i < 400; ++i) write(std::string(8'000, 'y'));
  CHECK(pipe.output->dropped_bytes() > 0);
  CHECK(pipe.output->tail().size() == Output::kTail);
  pipe.output->close();
  io.run();
}

TEST_CASE("only who could have listened is deaf: not the stopped, nor who has no core") {
  Hearing hearing(500ms);
  Clock::time_point now{};
  const auto looks = [&](char state, int count, std::uint64_t& ticks, std::uint64_t worked) {
    bool lost = false;
    for (int i = 0; i < count; ++i)
      lost = hearing.unheard({.state = state, .cpu_ticks = ticks += worked}, now += 100ms);
    return lost;
  };
  std::uint64_t ticks = 7;
  CHECK_FALSE(looks('T', 100, ticks, 0));
  CHECK_FALSE(looks('D', 100, ticks, 0));
  CHECK_FALSE(looks('R', 100, ticks, 0));
  CHECK_FALSE(looks('S', 4, ticks, 0));
  CHECK(looks('S', 1, ticks, 0));
  hearing.heard();
  CHECK_FALSE(looks('S', 5, ticks, 0));
  CHECK(looks('R', 1, ticks, 1));
  // A loop that stood still for a minute itself.
  hearing.heard();
  CHECK_FALSE(looks('S', 1, ticks, 0));
  now += 60s;
  CHECK_FALSE(looks('S', 1, ticks, 0));
}

TEST_CASE("a process is seen asleep, and at work") {
  const auto self = look_at(::getpid(), ::gettid());
  CHECK(self.state == 'R');
  auto later = look_at(::getpid(), ::gettid());
  while (later.cpu_ticks == self.cpu_ticks) later = look_at(::getpid(), ::gettid());
  CHECK(later.cpu_ticks > self.cpu_ticks);
  CHECK(look_at(0x7ffffff0, 0x7ffffff0).state == 'S');  // there is none
  CHECK(look_at(::getpid(), 1).state == 'S');           // not its own
}

TEST_CASE("rings that were earned are no storm, however many; others are, and are not saved up") {
  using enum RingBalance::Verdict;
  RingBalance balance;
  for (int i = 0; i < 100'000; ++i) {
    balance.rung(1);
    balance.earned();
    REQUIRE(balance.judge(0) == fair);
  }
  // Records whose rings nobody needed.
  for (int i = 0; i < 100'000; ++i) balance.earned();
  CHECK(balance.judge(0) == fair);
  balance.rung(18);
  CHECK(balance.judge(0) == fair);
  balance.rung(1);
  CHECK(balance.judge(0) == hasty);
  CHECK(balance.judge(1) == fair);  // its record may lie there
  balance.rung(~std::uint64_t{0});
  CHECK(balance.judge(4'096) == storm);
}
