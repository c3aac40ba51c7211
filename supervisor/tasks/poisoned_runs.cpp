// SPDX-License-Identifier: MIT
#include "supervisor/tasks/poisoned_runs.hpp"

#include <algorithm>
#include <system_error>

#include "supervisor/tasks/task_failures.hpp"
#include "supervisor/threads/crash_page.hpp"
#include "supervisor/threads/current_task.hpp"

using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace {

constexpr auto kFirstWait = 10s;
constexpr auto kLongestWait = std::chrono::seconds(1h);
constexpr auto kRemembered = 24h;

std::chrono::seconds wait_after(std::size_t crashes) {
  auto wait = std::chrono::seconds(kFirstWait);
  while (--crashes > 0 && wait < kLongestWait) wait *= 2;
  return std::min(wait, kLongestWait);
}

void take_away(const std::filesystem::path& file) {
  std::error_code gone_already;
  std::filesystem::remove(file, gone_already);
}

std::string in_words(const KeptCrash& crash) {
  std::string words = crash.signal;
  if (crash.stack_overflow) words += " (stack overflow)";
  if (!crash.exception.empty()) words += " (" + crash.exception + ")";
  return words;
}

}  // namespace

PoisonedRuns::PoisonedRuns(CrashHistory of, std::function<Time()> now)
    : of_(std::move(of)), now_(std::move(now)) {
  if (!of_.folder.empty()) read();
}

std::string PoisonedRuns::prefix() const {
  return of_.name_space + '\0' + of_.task_queue + '\0' + of_.build + '\0';
}

std::string PoisonedRuns::note(std::string_view task_token) const {
  if (of_.folder.empty()) return {};
  auto note = prefix().append(task_token);
  // A token that is not whole is none.
  if (note.size() > TaskIdentity::kLongestNote) note = prefix();
  return note.size() <= TaskIdentity::kLongestNote ? note : std::string();
}

void PoisonedRuns::read() {
  const auto queue = of_.name_space + '\0' + of_.task_queue + '\0';
  const auto mine = prefix();
  const auto begun = now_();
  for (auto& crash : read_crash_pages(of_.folder)) {
    if (!crash.note.starts_with(queue)) continue;
    if (now_() - crash.at > kRemembered) {
      take_away(crash.file);
      continue;
    }
    if (crash.run_id.empty() || !crash.note.starts_with(mine)) continue;
    auto& run = runs_[crash.run_id];
    run.pages.push_back(crash.file);
    // A restart may take longer than the wait: the crash is told before it is tried again.
    run.latest = std::max(crash.at, begun);
    run.crash = in_words(crash);
    run.stack = std::move(crash.stack);
    if (crash.note.size() > mine.size())
      tokens_.emplace_back(crash.run_id, crash.note.substr(mine.size()));
  }
}

std::vector<PoisonedRuns::Unanswered> PoisonedRuns::take_unanswered() {
  std::vector<Unanswered> unanswered;
  for (auto& [run_id, token] : std::exchange(tokens_, {}))
    unanswered.push_back({run_id, std::move(token), failure_of(runs_.at(run_id), now_())});
  return unanswered;
}

void PoisonedRuns::told(const std::string& run_id) {
  if (const auto run = runs_.find(run_id); run != runs_.end()) run->second.told = true;
}

std::optional<PoisonedRuns::Refusal> PoisonedRuns::refuses(const std::string& run_id) const {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return std::nullopt;
  const auto& run = found->second;
  const auto now = now_();
  // A clock that was set back would keep the run out for as long as that.
  if (now >= run.latest + wait_after(run.pages.size()) || now + kLongestWait < run.latest)
    return std::nullopt;
  return Refusal{failure_of(run, now), run.told};
}

void PoisonedRuns::absolve(const std::string& run_id) {
  const auto run = runs_.find(run_id);
  if (run == runs_.end()) return;
  for (const auto& page : run->second.pages) take_away(page);
  runs_.erase(run);
}

engine::TaskFailure PoisonedRuns::failure_of(const Run& run, Time now) const {
  const auto count = run.pages.size();
  const auto left = std::chrono::ceil<std::chrono::seconds>(run.latest + wait_after(count) - now);
  auto failure = task_failure("WorkerCrashed",
                              "this workflow's code crashed the worker " + std::to_string(count) +
                                  (count == 1 ? " time" : " times") + ", by " + run.crash + " in " +
                                  stack_text(run.stack) + ". It is tried again in " +
                                  seconds_text(std::max(left, 0s)) +
                                  ", and at once by a worker with corrected modules");
  failure.failure.set_stack_trace(join(run.stack, "\n"));
  return failure;
}

}  // namespace temporal::supervisor
