// SPDX-License-Identifier: MIT
// Spoiled histories: whatever is wrong with one, its replay ends, and ends by telling. They are replayed in a process of
// their own, so that one which crashes or hangs is named and the others go on.
#include <doctest/doctest.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/workflow/history_loader.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "tests/supervisor/workflow/corpus.hpp"
#include "tests/support/mutator.hpp"

void histories(temporal::Module& m);

namespace mutants_test {

using namespace temporal;
using namespace temporal::testing;
using api::history::v1::History;

constexpr unsigned kPatience = 60;  ///< seconds for one mutant, where a millisecond is usual

struct Source {
  std::string name;
  std::string text;
  History history;
  std::shared_ptr<const Module> module;
};

void add(std::vector<Source>& sources, const std::filesystem::path& path,
         std::shared_ptr<const Module> module) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  sources.push_back({path.filename().string(), text.str(), engine::load_history(path), module});
}

std::vector<Source> recorded() {
  std::vector<Source> sources;
  const auto own = std::make_shared<Module>();
  histories(*own);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(TEMPORAL_RECORDED))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) add(sources, path, own);
  if (!corpus_present("mutants of other SDKs' histories")) return sources;
  for (const auto& row : corpus::rows()) {
    const auto path = corpus_folder() / row.file;
    if (!std::filesystem::exists(path)) continue;
    const auto history = engine::load_history(path);
    const auto module = std::make_shared<Module>();
    row.workflow(
        *module,
        history.events(0).workflow_execution_started_event_attributes().workflow_type().name());
    add(sources, path, module);
  }
  return sources;
}

enum Ending { completed, still_open, nondeterminism, engine_error, undecodable, unreadable, kinds };
constexpr std::array<const char*, kinds> kEndings{"ended",          "stayed open",
                                                  "nondeterminism", "made no sense to the engine",
                                                  "undecodable",    "unreadable"};

struct Strange : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Ending ending_of(const engine::TaskOutcome& outcome) {
  if (!outcome.failure) return outcome.finished ? completed : still_open;
  const auto& type = outcome.failure->failure.application_failure_info().type();
  if (type == "NondeterminismError") return nondeterminism;
  if (type == "EngineError") return engine_error;
  if (type == "temporal::DecodeError") return undecodable;  // the code asked for another type
  throw Strange("a failure of type " + type + ": " + outcome.failure->text);
}

/// As the replay tool does, or task by task as a worker does, with a question at the end.
Ending replay(const Source& source, const History& history, Dice& dice) {
  if (history.events().empty()) return unreadable;
  const auto& started = source.history.events(0).workflow_execution_started_event_attributes();
  engine::RunContext context;
  context.workflow_id = "mutant";
  context.run_id = started.original_execution_run_id();
  context.workflow_type = started.workflow_type().name();
  context.task_queue = started.task_queue().name();
  context.replay_only = !dice.one_in(3);
  engine::WorkflowRun run(*source.module, context);
  const int count = history.events_size();
  const int cut = dice.one_in(2) ? count : 1 + int(dice.below(std::size_t(count)));
  engine::TaskOutcome outcome;
  for (int begin = 0, end = cut; begin < count && !outcome.failure; begin = end, end = count) {
    engine::WorkflowTaskInput task;
    for (int i = begin; i < end; ++i) *task.history.add_events() = history.events(i);
    task.previous_started_event_id = begin == 0 && dice.one_in(2) ? 0 : cut;
    task.started_event_id = end;
    outcome = run.activate(std::move(task));
  }
  (void)run.answer({"q", "__stack_trace", {}});
  return ending_of(outcome);
}

struct Mutant {
  std::string what;
  Ending ending;
};

Mutant make_and_replay(const std::vector<Source>& sources, int number) {
  Dice dice(std::uint64_t(number) + 1);
  const auto& source = sources[dice.below(sources.size())];
  Mutator mutator(dice);
  const auto told = [&](Ending ending) {
    return Mutant{source.name + ": " + mutator.what(), ending};
  };
  try {
    auto history = source.history;
    if (dice.one_in(8)) {
      const bool as_json = source.text.front() == '{' && dice.one_in(2);
      auto bytes = as_json ? source.text : history.SerializeAsString();
      mutator.spoil(bytes);
      history = engine::parse_histories(bytes, as_json ? "mutant.json" : "mutant.bin").front();
    } else {
      mutator.spoil(history);
    }
    return told(replay(source, history, dice));
  } catch (const engine::HistoryFileError&) {
    return told(unreadable);
  } catch (const std::exception& error) {
    throw Strange(source.name + ": " + mutator.what() + ": " + error.what());
  }
}

/// What the process that replays has to say; it may die at any moment.
struct Report {
  int next = 0;
  bool strange = false;  ///< `next` is, and why
  std::array<char, 4000> why{};
  std::array<int, kinds> endings{};
};

void replay_rest(const std::vector<Source>& sources, int count, Report& report) {
  for (; report.next < count; ++report.next) {
    alarm(kPatience);
    try {
      ++report.endings[make_and_replay(sources, report.next).ending];
    } catch (const std::exception& error) {
      report.strange = true;
      std::snprintf(report.why.data(), report.why.size(), "%s", error.what());
      break;
    }
  }
  alarm(0);
}

int number_from(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

TEST_CASE("10,000 mutants of recorded histories neither crash nor hang, and each ends by telling") {
  const auto sources = recorded();
  const int alone = number_from("TEMPORAL_MUTANT", -1);
  if (alone >= 0) {
    const auto mutant = make_and_replay(sources, alone);
    MESSAGE("mutant ", alone, ", ", mutant.what, ": ", kEndings[mutant.ending]);
    return;
  }
  const int count = number_from("TEMPORAL_MUTANTS", 10'000);
  void* shared =
      mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  auto& report = *new (shared) Report;
  constexpr int kMostLost = 10;
  for (int lost = 0; report.next < count && lost < kMostLost; ++lost) {
    std::cout.flush();
    const auto child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      google::protobuf::SetLogHandler(nullptr);  // it names each text that is not UTF-8
      replay_rest(sources, count, report);
      std::exit(0);  // where there is a leak checker, it has its say
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    const bool strange = std::exchange(report.strange, false);
    if (strange) {
      FAIL_CHECK("mutant ", report.next, ": ", report.why.data());
    } else if (status != 0 && report.next == count) {
      FAIL_CHECK("after the last mutant: exit status ", WEXITSTATUS(status));
    } else if (status != 0) {
      FAIL_CHECK("mutant ", report.next, ": ",
                 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit", " (", status, ")");
    }
    if (report.next < count) ++report.next;
  }
  std::string endings;
  for (int i = 0; i < kinds; ++i)
    endings += (i ? ", " : "") + std::to_string(report.endings[std::size_t(i)]) + " " +
               kEndings[std::size_t(i)];
  MESSAGE(report.next, " mutants of ", sources.size(), " histories (TEMPORAL_MUTANTS=", count,
          "; TEMPORAL_MUTANT=N replays one alone): ", endings);
  for (auto kind : {completed, still_open, nondeterminism, engine_error, unreadable})
    CHECK_MESSAGE((report.endings[kind] > 0 || count < 1000), kEndings[kind]);
  munmap(shared, sizeof(Report));
}

}  // namespace mutants_test
