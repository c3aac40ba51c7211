// SPDX-License-Identifier: MIT
// The engine alone, without a server:
//
//   engine_bench replay HISTORY.json K   replays it K times; exit code 0 when all K agree
//   engine_bench engine SECONDS          activations and events per second of CPU, by shape of workflow, as JSON
//   engine_bench cache N                 what one of N runs that wait for a signal takes of the heap, as JSON
#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/workflow/history_loader.hpp"
#include "supervisor/workflow/replayer.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/module.hpp"
#include "tests/support/history_builder.hpp"

void contract(temporal::Module& m);

namespace temporal::bench {

using testing::HistoryBuilder;
using Tasks = std::vector<engine::WorkflowTaskInput>;

const Module& module() {
  struct Contract : Module {
    Contract() { contract(*this); }
  };
  static const Contract filled;
  return filled;
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

[[noreturn]] void fail(const std::string& why) {
  std::cerr << "engine_bench: " << why << std::endl;
  std::exit(1);
}

/// Writes a history as a server would, and keeps what each of its tasks brings to a run that is cached.
class Script {
 public:
  template <class... Args>
  explicit Script(const std::string& type, const Args&... args) : type_(type), h_(type, args...) {}

  /// SCHEDULED and STARTED: what happened since the last is a task.
  void task() {
    const auto started = h_.task();
    engine::WorkflowTaskInput task;
    task.history = h_.since(last_ + 1);
    task.previous_started_event_id = last_;
    task.started_event_id = last_ = started;
    tasks_.push_back(std::move(task));
  }
  HistoryBuilder* operator->() { return &h_; }
  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] const Tasks& tasks() const { return tasks_; }
  [[nodiscard]] std::int64_t events() const { return last_; }
  [[nodiscard]] std::unique_ptr<engine::WorkflowRun> run() const {
    engine::RunContext context;
    context.workflow_namespace = "default";
    context.workflow_id = "the-workflow";
    context.run_id = HistoryBuilder::kRunId;
    context.workflow_type = type_;
    context.task_queue = "queue";
    return std::make_unique<engine::WorkflowRun>(module(), std::move(context));
  }

 private:
  std::string type_;
  HistoryBuilder h_;
  std::int64_t last_ = 0;
  Tasks tasks_;
};

Script hello(const char* type) {
  Script s(type, std::string("World"));
  s.task();
  s->task_completed();
  const auto scheduled = s->activity_scheduled("1", "say_hello");
  s->activity_started(scheduled);
  s->activity_completed(scheduled, "Hello, World!");
  s.task();
  return s;
}

Script fanout(int n) {
  Script s("fanout", n);
  s.task();
  s->task_completed();
  std::vector<std::int64_t> scheduled;
  for (int i = 1; i <= n; ++i)
    scheduled.push_back(s->activity_scheduled(std::to_string(i), "noop"));
  for (const auto id : scheduled) {
    s->activity_started(id);
    s->activity_completed(id, nullptr);
  }
  s.task();
  return s;
}

Script seq(int n) {
  Script s("seq", n);
  s.task();
  for (int i = 1; i <= n; ++i) {
    s->task_completed();
    const auto scheduled = s->activity_scheduled(std::to_string(i), "noop");
    s->activity_started(scheduled);
    s->activity_completed(scheduled, nullptr);
    s.task();
  }
  return s;
}

Script timers(int n) {
  Script s("timers", n);
  s.task();
  for (int i = 1; i <= n; ++i) {
    s->task_completed();
    s->timer_fired(s->timer_started(std::to_string(i)));
    s.task();
  }
  return s;
}

Script signals(int n) {
  Script s("signals", n);
  s.task();
  for (int i = 1; i <= n; ++i) {
    s->task_completed();
    s->signaled("tick");
    s.task();
  }
  return s;
}

// The copies of what a server would have sent are made outside of the time that counts.
nlohmann::json measured(const Script& script, double seconds) {
  constexpr std::size_t kRunsAtOnce = 50;
  double spent = 0;
  double runs = 0;
  while (spent < seconds) {
    std::vector<Tasks> batch(kRunsAtOnce, script.tasks());
    const auto begin = cpu_seconds();
    for (auto& tasks : batch) {
      const auto run = script.run();
      engine::TaskOutcome outcome;
      for (auto& task : tasks) {
        outcome = run->activate(std::move(task));
        if (outcome.failure) fail(outcome.failure->text);
      }
      if (!outcome.finished) fail("a run of " + script.type() + " did not end");
    }
    spent += cpu_seconds() - begin;
    runs += kRunsAtOnce;
  }
  return {{"activations_per_cpu_s", runs * double(script.tasks().size()) / spent},
          {"events_per_cpu_s", runs * double(script.events()) / spent}};
}

void engine_shapes(double seconds) {
  nlohmann::json all;
  all["hello"] = measured(hello("hello"), seconds);
  all["fanout of 100"] = measured(fanout(100), seconds);
  all["seq of 100"] = measured(seq(100), seconds);
  all["timers of 100"] = measured(timers(100), seconds);
  all["signals of 100"] = measured(signals(100), seconds);
  std::cout << all.dump() << std::endl;
}

// With its greeting, and a coroutine that waits: two tasks and an activity, as the peers' harness parks them.
void cache(std::size_t n) {
  const auto script = hello("cached");
  std::vector<std::unique_ptr<engine::WorkflowRun>> runs;
  runs.reserve(n);
  const auto park = [&] {
    runs.push_back(script.run());
    for (const auto& task : script.tasks()) {
      const auto outcome = runs.back()->activate(engine::WorkflowTaskInput(task));
      if (outcome.failure) fail(outcome.failure->text);
      if (outcome.finished) fail("a run that is to wait has ended");
    }
  };
  park();  // what the first one makes for all
  ::malloc_trim(0);
  const auto before = ::mallinfo2();
  const auto begin = cpu_seconds();
  while (runs.size() < n) park();
  const auto spent = cpu_seconds() - begin;
  ::malloc_trim(0);
  const auto after = ::mallinfo2();
  const auto each = double(n - 1);
  const auto kib = [&](std::size_t now, std::size_t then) {
    return double(now - then) / 1024 / each;
  };
  std::cout << nlohmann::json{{"kib_per_workflow", kib(after.uordblks, before.uordblks)},
                              {"kib_of_heap_per_workflow",
                               kib(after.arena + after.hblkhd, before.arena + before.hblkhd)},
                              {"park_cpu_ms", spent * 1000 / each}}
                   .dump()
            << std::endl;
}

void replay(const char* path, int times) {
  const auto history = engine::load_history(path);
  for (int i = 0; i < times; ++i) {
    const auto result = engine::replay(module(), history);
    if (!result.ok) fail(result.message);
  }
}

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "replay" && argc == 4) {
    replay(argv[2], std::atoi(argv[3]));
  } else if (what == "engine" && argc == 3) {
    engine_shapes(std::atof(argv[2]));
  } else if (what == "cache" && argc == 3) {
    cache(std::size_t(std::atoi(argv[2])));
  } else {
    fail("usage: engine_bench replay HISTORY.json K | engine SECONDS | cache N");
  }
  return 0;
}

}  // namespace temporal::bench

int main(int argc, char** argv) {
  try {
    return temporal::bench::main(argc, argv);
  } catch (const std::exception& error) {
    temporal::bench::fail(error.what());
  }
}
