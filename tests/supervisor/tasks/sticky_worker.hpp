// SPDX-License-Identifier: MIT
// A worker that keeps runs in memory, workflows that tell when they begin and where they end, and
// runs as the server sees them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shared/payload_proto.hpp"
#include "temporal/workflow.hpp"
#include "tests/supervisor/tasks/workflow_worker.hpp"
#include "tests/supervisor/threads/stuck.hpp"
#include "tests/support/history_builder.hpp"

namespace sticky_workflows {

using namespace std::chrono_literals;
using temporal::Task;
namespace workflow = temporal::workflow;

inline int begun = 0;  // times that run() was entered: live, or to replay
inline std::vector<std::thread::id> destroyed_on;
inline temporal::test::Stuck* stuck = nullptr;

struct Trace {
  ~Trace() { destroyed_on.push_back(std::this_thread::get_id()); }
};

// Two timers, one after the other.
struct Naps {
  Task<std::string> run() {
    ++begun;
    const Trace trace;
    co_await workflow::sleep(1h);
    co_await workflow::sleep(1h);
    co_return "awake";
  }
};

struct FailsLater {
  Task<> run() {
    ++begun;
    co_await workflow::sleep(1h);
    throw std::runtime_error("a bug");
  }
};

// Holds 1 MiB while it naps.
struct Hoards {
  Task<> run() {
    ++begun;
    std::array<char, 1 << 20> kept{};
    co_await workflow::sleep(1h);
    kept[0] = 1;
  }
};

struct HangsInItsDestructor {
  struct Hangs {
    ~Hangs() { stuck->block(); }
  };
  Task<> run() {
    const Hangs hangs;
    co_await workflow::sleep(1h);
  }
};

}  // namespace sticky_workflows

namespace temporal::test {

using PolledTask = ws::PollWorkflowTaskQueueResponse;

inline void fill_sticky(Module& m) {
  m.workflow<sticky_workflows::Naps>();
  m.workflow<sticky_workflows::FailsLater>();
  m.workflow<sticky_workflows::Hoards>();
  m.workflow<sticky_workflows::HangsInItsDestructor>();
}

struct StickyWorker : WorkflowWorker {
  explicit StickyWorker(supervisor::CrashHistory crashes)
      : StickyWorker(10, std::chrono::seconds(10), std::move(crashes)) {}
  explicit StickyWorker(std::size_t max_cached = 10,
                        std::chrono::milliseconds deadline = std::chrono::seconds(10),
                        supervisor::CrashHistory crashes = {}, std::size_t max_run_bytes = 0)
      : WorkflowWorker(fill_sticky, {.deadline = deadline,
                                     .sticky = supervisor::StickyQueue{.name = "sticky-1",
                                                                       .max_cached = max_cached,
                                                                       .schedule_to_start =
                                                                           std::chrono::seconds(7)},
                                     .max_run_bytes = max_run_bytes,
                                     .crashes = std::move(crashes)}) {
    sticky_workflows::begun = 0;
    sticky_workflows::destroyed_on.clear();
  }
};

// One run as the server sees it: its history, and the tasks that are made of it.
struct ServedRun {
  explicit ServedRun(std::string id, const std::string& type = "Naps")
      : run_id(std::move(id)), workflow_type(type), history(type) {
    started = history.task();
  }
  // The completion of the task, the timer that it started, and the next task.
  void timer_fires(const std::string& id) {
    history.task_completed();
    history.timer_fired(history.timer_started(id));
    previous = started;
    started = history.task();
  }
  [[nodiscard]] PolledTask task(const api::history::v1::History& part) const {
    PolledTask task;
    task.set_task_token(run_id + " " + std::to_string(started));
    task.mutable_workflow_execution()->set_workflow_id("workflow");
    task.mutable_workflow_execution()->set_run_id(run_id);
    task.mutable_workflow_type()->set_name(workflow_type);
    task.set_previous_started_event_id(previous);
    task.set_started_event_id(started);
    task.set_attempt(1);
    *task.mutable_history() = part;
    return task;
  }
  [[nodiscard]] PolledTask whole() const { return task(history.history()); }
  [[nodiscard]] PolledTask news() const { return task(history.since(previous + 1)); }

  std::string run_id;
  std::string workflow_type;
  testing::HistoryBuilder history;
  std::int64_t previous = 0;
  std::int64_t started = 0;
};

// The server has the whole history of this run, in pages of two events.
inline void gives_history(FakeService& service, const ServedRun& run, int& calls) {
  service.on_history = [&](const ws::GetWorkflowExecutionHistoryRequest& request) {
    ++calls;
    CHECK(request.execution().run_id() == run.run_id);
    const auto& token = request.next_page_token();
    const int from = token.empty() ? 0 : std::stoi(token);
    const auto& events = run.history.history().events();
    ws::GetWorkflowExecutionHistoryResponse page;
    for (int i = from; i < std::min(from + 2, events.size()); ++i)
      *page.mutable_history()->add_events() = events[i];
    if (from + 2 < events.size()) page.set_next_page_token(std::to_string(from + 2));
    return page;
  };
}

inline std::string result_of(const ws::RespondWorkflowTaskCompletedRequest& request) {
  const auto& result = request.commands(0).complete_workflow_execution_command_attributes();
  return from_payload<std::string>(from_proto(result.result()).at(0));
}

}  // namespace temporal::test
