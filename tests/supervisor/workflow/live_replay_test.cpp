// SPDX-License-Identifier: MIT
// Live equals replay: what a run did while history was made, it does again from that history, at every task from which a
// worker might have to rebuild it.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/workflow/machines/local_activity.hpp"
#include "tests/supervisor/workflow/local_test_support.hpp"
#include "tests/supervisor/workflow/random_program.hpp"
#include "tests/support/small_server.hpp"

namespace live_replay_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::testing;
namespace workflow = temporal::workflow;

int work() { implemented_elsewhere(); }
constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};

// Two commands in a task, and a job in the next.
struct Pair {
  Task<int> run() {
    note("run");
    auto first = workflow::execute_activity<work>(kQuick);
    auto second = workflow::execute_activity<work>(kQuick);
    sum_ += co_await first;
    note("first");
    sum_ += co_await second;
    note("second");
    co_return sum_;
  }
  int sum() const { return sum_; }
  int sum_ = 0;
};

void fill(Module& m) {
  using random_program::Walker;
  m.workflow<Walker>().signal<&Walker::poke>().update<&Walker::ask, &Walker::check_ask>();
  m.workflow<Pair>().query<&Pair::sum>();
}
const TestModule module(fill);

/// Commands and messages, all of them, as they go out.
std::string sent(const engine::TaskOutcome& outcome) {
  std::string all;
  for (const auto& command : outcome.commands) all += command.ShortDebugString() + "\n";
  for (const auto& message : outcome.messages) all += message.ShortDebugString() + "\n";
  return all + outcome.sdk_metadata.ShortDebugString() + (outcome.finished ? "finished" : "");
}

/// Where the two part, with what came before it.
std::string difference(const Lines& live, const Lines& replay) {
  const auto [one, other] = std::ranges::mismatch(live, replay);
  const auto at = one - live.begin();
  const auto line = [](const Lines& lines, auto i) {
    return i < std::ssize(lines) ? lines[std::size_t(i)] : std::string("nothing");
  };
  return "after " + std::to_string(at) + " lines (" + (at > 0 ? line(live, at - 1) : "") +
         "): live '" + line(live, at) + "', replayed '" + line(replay, at) + "'";
}

struct Done {
  engine::WorkflowTaskInput input;
  std::vector<engine::LocalResult> results;  ///< of local activities, while the task was open
  std::size_t lines;                         ///< of the trace, when it was done
  std::string answer;
};

/// One program on the small server, with its run lost now and then; then all that was done is done again.
class Play {
 public:
  explicit Play(std::uint64_t seed)
      : seed_(seed), dice_(seed), server_(dice_, HistoryBuilder("Walker", seed), visits(dice_)) {}

  /// Empty, or what went wrong.
  std::string wrong() {
    auto wrong = live();
    if (wrong.empty()) wrong = from_each_task();
    if (wrong.empty()) wrong = cold();
    return wrong;
  }
  [[nodiscard]] const std::vector<Done>& tasks() const { return tasks_; }
  [[nodiscard]] const Lines& trace_of_all() const { return trace_; }
  [[nodiscard]] std::int64_t events() const { return server_.events().last_id(); }

 private:
  static SmallServer::Visits visits(Dice& dice) {
    SmallServer::Visits visits;
    visits.signals = {"poke", "poke", "poke", "nobody_knows"};
    visits.signals_left = dice.between(0, 12);
    visits.updates = {"ask"};
    visits.updates_left = dice.between(0, 6);
    visits.may_cancel = dice.one_in(2);
    return visits;
  }

  std::string live() {
    constexpr std::size_t kMostTasks = 40;
    while (tasks_.size() < kMostTasks) {
      auto task = server_.next_task(std::exchange(renewed_, false));
      if (!task) break;
      const bool rebuilt = !run_;
      if (rebuilt) run_.emplace(module, "Walker"), calls_.clear();
      auto input = *task;
      if (!rebuilt && dice_.one_in(2))
        input.history = server_.events().since(task->previous_started_event_id + 1);
      auto outcome = (*run_)->activate(std::move(input));
      if (outcome.failure) return "live: " + outcome.failure->text;
      if (rebuilt && !begins_with_trace()) return "rebuilt: " + difference(trace_, trace());
      const auto results = serve_locals(outcome);
      if (outcome.failure) return "live, by a local activity: " + outcome.failure->text;
      if (!server_.only_updates() && dice_.one_in(12)) {
        server_.time_out();
        run_.reset();
        continue;
      }
      const auto answer = server_.take(outcome);
      if (answer == SmallServer::Answer::refused) {
        run_.reset();
        continue;
      }
      renewed_ = outcome.waits;
      if (answer == SmallServer::Answer::task_taken_back)
        (*run_)->roll_back_to(server_.previous_started());
      trace_ = trace();
      tasks_.push_back({std::move(*task), results, trace_.size(), sent(outcome)});
      if (dice_.one_in(6)) run_.reset();
    }
    run_.reset();
    return {};
  }
  // Until the code waits for none, or the task is renewed. Not a task without commands: replay makes it one with the next, and the
  // code reads another time in it.
  std::vector<engine::LocalResult> serve_locals(engine::TaskOutcome& outcome) {
    std::vector<engine::LocalResult> results;
    for (;;) {
      for (auto& call : outcome.local_calls) calls_.push_back(std::move(call));
      for (const auto& cancel : outcome.local_cancels)
        if (!cancel.wanted)
          std::erase_if(calls_, [&](auto& call) { return call.seq == cancel.seq; });
      if (outcome.failure || !outcome.waits) return results;
      if (!outcome.commands.empty() && !outcome.messages.size() && dice_.one_in(6)) return results;
      const auto chosen = calls_.begin() + std::ptrdiff_t(dice_.below(calls_.size()));
      results.push_back(end_of(*chosen));
      calls_.erase(chosen);
      outcome = (*run_)->resolve(engine::LocalResult(results.back()));
    }
  }
  engine::LocalResult end_of(const engine::LocalCall& call) {
    if (call.cancelled) return engine::cancelled_result(call);
    auto result = returned(call.seq, dice_.between(0, 99), 1ms * dice_.between(0, 1'500));
    result.attempt = call.attempt;
    if (call.scheduled) result.scheduled = call.scheduled;
    if (dice_.one_in(4)) {
      result.outcome = failed(call.seq, ApplicationError("no luck here")).outcome;
      if (call.attempt < 3 && dice_.one_in(2)) result.backoff = 90s;
    }
    return result;
  }
  [[nodiscard]] bool begins_with_trace() const {
    return trace().size() >= trace_.size() &&
           std::equal(trace_.begin(), trace_.end(), trace().begin());
  }

  std::string from_each_task() {
    for (const auto& task : tasks_) {
      Run run(module, "Walker");
      auto outcome = run->activate(engine::WorkflowTaskInput(task.input));
      for (const auto& result : task.results) {
        if (outcome.failure) break;
        outcome = run->resolve(engine::LocalResult(result));
      }
      const auto at = "rebuilt at " + std::to_string(task.input.started_event_id) + ": ";
      if (outcome.failure) return at + outcome.failure->text;
      const Lines lines(trace_.begin(), trace_.begin() + std::ptrdiff_t(task.lines));
      if (trace() != lines) return at + difference(lines, trace());
      if (sent(outcome) != task.answer)
        return at + "live sent\n" + task.answer + "\nrebuilt\n" + sent(outcome);
    }
    return {};
  }

  std::string cold() {
    const auto result = replayed(module, server_.events());
    if (result != "ok") return "replay tool: " + result;
    return trace() == trace_ ? "" : "replay tool: " + difference(trace_, trace());
  }

  std::uint64_t seed_;
  Dice dice_;
  SmallServer server_;
  std::optional<Run> run_;
  std::vector<engine::LocalCall> calls_;  ///< that the run waits for
  bool renewed_ = false;
  Lines trace_;
  std::vector<Done> tasks_;
};

std::int64_t number_from(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoll(text) : otherwise;
}

TEST_CASE("Y001 random programs do the same live, rebuilt at any task, and replayed cold") {
  const auto alone = number_from("TEMPORAL_PROGRAM", -1);
  const auto count = alone >= 0 ? 1 : number_from("TEMPORAL_PROGRAMS", 1'000);
  std::size_t tasks = 0;
  std::int64_t events = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto seed = alone >= 0 ? alone : i;
    Play play{std::uint64_t(seed)};
    const auto wrong = play.wrong();
    CHECK_MESSAGE(wrong.empty(), "program " << seed << " (TEMPORAL_PROGRAM=" << seed
                                            << " runs it alone): " << wrong);
    tasks += play.tasks().size();
    events += play.events();
  }
  MESSAGE(count, " programs (TEMPORAL_PROGRAMS), ", tasks, " tasks, ", events, " events");
  CHECK((alone >= 0 || tasks > 2 * std::size_t(count)));
}

// What ten programs did and sent: FNV-1a.
std::uint64_t digest() {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Play play(seed);
    std::string all = play.wrong();
    for (const auto& task : play.tasks()) all += task.answer;
    for (const auto& line : play.trace_of_all()) all += line;
    for (const unsigned char c : all) hash = (hash ^ c) * 0x100000001b3;
  }
  return hash;
}

// This test again in another process, which only writes its digest.
std::uint64_t digest_elsewhere() {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    setenv("TEMPORAL_DIGEST_FD", std::to_string(ends[1]).c_str(), 1);
    execl("/proc/self/exe", "engine_test", "--test-case=Y004*", "--minimal", nullptr);
    _exit(1);
  }
  close(ends[1]);
  std::uint64_t digest = 0;
  CHECK(read(ends[0], &digest, sizeof digest) == sizeof digest);
  close(ends[0]);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  return digest;
}

TEST_CASE("Y004 50 processes, each with addresses and hashes of its own, do and send the same") {
  const auto here = digest();
  if (const char* fd = std::getenv("TEMPORAL_DIGEST_FD")) {
    CHECK(write(std::atoi(fd), &here, sizeof here) == sizeof here);
    return;
  }
  std::cout.flush();
  for (int i = 0; i < 50; ++i) CHECK(digest_elsewhere() == here);
}

TEST_CASE("Y005 a history cut anywhere in its last chunks is asked, then goes on: no job twice") {
  HistoryBuilder h("Pair");
  h.whole_task();                                         // 2-4
  const auto first = h.activity_scheduled("1", "work");   // 5
  const auto second = h.activity_scheduled("2", "work");  // 6
  h.activity_completed(first, 1);                         // 7
  h.whole_task();                                         // 8-10
  h.activity_completed(second, 2);                        // 11
  const auto last = h.task();                             // 12-13
  for (int cut = 3; cut < last; ++cut) {
    CAPTURE(cut);
    engine::WorkflowTaskInput query;
    query.history = h.history();
    query.history.mutable_events()->DeleteSubrange(cut, int(last) - cut);
    query.previous_started_event_id = cut >= 10 ? 9 : cut >= 4 ? 3 : 0;
    Run run(module, "Pair");
    REQUIRE(failure_of(run->activate(std::move(query))) == "");
    CHECK(run.ask("sum") == (cut < 9 ? "0" : "1"));
    const auto task = run.task(h.since(run->last_started_event_id() + 1), 9);
    CHECK(failure_of(task) == "");
    CHECK(commands_of(task) == Lines{"CompleteWorkflowExecution"});
    CHECK(trace() == Lines{"run", "first", "second"});
  }
}

}  // namespace live_replay_test
