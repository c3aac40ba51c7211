// SPDX-License-Identifier: MIT
// Runs that stay in memory between their tasks: which tasks they serve, and when they go.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "shared/payload_proto.hpp"
#include "temporal/workflow.hpp"
#include "tests/supervisor/tasks/workflow_worker.hpp"
#include "tests/supervisor/threads/stuck.hpp"
#include "tests/support/history_builder.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
using temporal::testing::HistoryBuilder;
namespace enums = api::enums::v1;

namespace sticky_workflows {

int begun = 0;  // times that run() was entered: live, or to replay
std::vector<std::thread::id> destroyed_on;
Stuck* stuck = nullptr;

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

namespace {

using Answers = std::vector<std::string>;
using PolledTask = ws::PollWorkflowTaskQueueResponse;

void fill(Module& m) {
  m.workflow<sticky_workflows::Naps>();
  m.workflow<sticky_workflows::FailsLater>();
  m.workflow<sticky_workflows::HangsInItsDestructor>();
}

struct World : WorkflowWorker {
  explicit World(std::size_t max_cached = 10, std::chrono::milliseconds deadline = 10s)
      : WorkflowWorker(
            fill, {.deadline = deadline,
                   .sticky = StickyQueue{
                       .name = "sticky-1", .max_cached = max_cached, .schedule_to_start = 7s}}) {
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
  HistoryBuilder history;
  std::int64_t previous = 0;
  std::int64_t started = 0;
};

// The server has the whole history of this run, in pages of two events.
void gives_history(FakeService& service, const ServedRun& run, int& calls) {
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

std::string result_of(const ws::RespondWorkflowTaskCompletedRequest& request) {
  const auto& result = request.commands(0).complete_workflow_execution_command_attributes();
  return from_payload<std::string>(from_proto(result.result()).at(0));
}

}  // namespace

TEST_CASE("R008 the next task of a run brings the news only, and nothing is replayed") {
  World world;
  ServedRun run("a");
  world.serve(run.whole());
  run.timer_fires("1");
  world.serve_sticky(run.news());
  run.timer_fires("2");
  world.serve_sticky(run.news());
  REQUIRE(world.service.workflow_completed.size() == 3);
  CHECK(result_of(world.service.workflow_completed[2]) == "awake");
  CHECK(sticky_workflows::begun == 1);
  CHECK(world.tasks->cache_counts().hits == 2);
  CHECK(world.tasks->cache_counts().misses == 0);
  CHECK(world.tasks->cache_counts().evictions == 0);  // R011: the end of a run is none
  CHECK(world.tasks->cached() == 0);
}

TEST_CASE("WP2 a completion names the sticky queue; polls go to both queues") {
  World world;
  ServedRun run("a");
  world.serve(run.whole());
  const auto& answer = world.service.workflow_completed.at(0);
  CHECK(answer.return_new_workflow_task());
  const auto& sticky = answer.sticky_attributes();
  CHECK(sticky.worker_task_queue().name() == "sticky-1");
  CHECK(sticky.worker_task_queue().kind() == enums::TASK_QUEUE_KIND_STICKY);
  CHECK(sticky.worker_task_queue().normal_name() == "queue");
  CHECK(from_proto(sticky.schedule_to_start_timeout()) == 7s);

  int normal = 0, from_sticky = 0;
  for (const auto& poll : world.service.workflow_polls) {
    if (poll.task_queue().kind() == enums::TASK_QUEUE_KIND_STICKY) {
      ++from_sticky;
      CHECK(poll.task_queue().name() == "sticky-1");
      CHECK(poll.task_queue().normal_name() == "queue");
    } else {
      ++normal;
      CHECK(poll.task_queue().name() == "queue");
    }
  }
  CHECK(normal >= 1);
  CHECK(from_sticky >= 1);
}

TEST_CASE("T-14: the completion that ends a run, and those of a worker that stops, name no queue") {
  World world;
  ServedRun run("a");
  run.timer_fires("1");
  run.timer_fires("2");
  world.serve(run.whole());
  ServedRun other("b");
  world.loop.poll();
  world.tasks->stop_polling();
  world.serve(other.whole());
  REQUIRE(world.service.workflow_completed.size() == 2);
  for (const auto& answer : world.service.workflow_completed) {
    CHECK_FALSE(answer.has_sticky_attributes());
    CHECK_FALSE(answer.return_new_workflow_task());
  }
  CHECK(world.tasks->cached() == 0);
}

TEST_CASE("Q005 R008 a run that is not in memory is replayed from all pages of its history") {
  World world;
  ServedRun run("a");
  run.timer_fires("1");
  run.timer_fires("2");
  int calls = 0;
  gives_history(world.service, run, calls);
  world.serve_sticky(run.news());
  REQUIRE(world.service.workflow_completed.size() == 1);
  CHECK(result_of(world.service.workflow_completed[0]) == "awake");
  CHECK(calls == run.history.last_id() / 2 + run.history.last_id() % 2);
  CHECK(world.tasks->cache_counts().misses == 1);
}

TEST_CASE("an attempt's own events, which no history has yet, come after those that are fetched") {
  World world;
  ServedRun run("a");
  run.timer_fires("1");
  run.timer_fires("2");
  ServedRun recorded = run;
  int calls = 0;
  recorded.history = HistoryBuilder("Naps");
  recorded.history.task();
  recorded.history.task_completed();
  recorded.history.timer_fired(recorded.history.timer_started("1"));
  recorded.history.task();  // and there the server's own history ends
  gives_history(world.service, recorded, calls);
  world.serve_sticky(run.news());
  REQUIRE(world.service.workflow_completed.size() == 1);
  CHECK(result_of(world.service.workflow_completed[0]) == "awake");
}

TEST_CASE("T-12: news that do not follow what this worker has seen: the run is replayed in full") {
  World world;
  ServedRun run("a");
  world.serve(run.whole());
  run.timer_fires("1");  // which another worker served
  run.timer_fires("2");
  int calls = 0;
  gives_history(world.service, run, calls);
  world.serve_sticky(run.news());
  REQUIRE(world.service.workflow_completed.size() == 2);
  CHECK(result_of(world.service.workflow_completed[1]) == "awake");
  CHECK(calls > 0);
  CHECK(sticky_workflows::begun == 2);
  CHECK(world.tasks->cache_counts().evictions == 1);
}

TEST_CASE("T-13: a whole history for a run in memory begins it anew, and nothing happens twice") {
  World world;
  ServedRun run("a");
  world.serve(run.whole());
  run.timer_fires("1");
  world.serve(run.whole());
  REQUIRE(world.service.workflow_completed.size() == 2);
  const auto& answer = world.service.workflow_completed[1];
  REQUIRE(answer.commands_size() == 1);
  CHECK(answer.commands(0).start_timer_command_attributes().timer_id() == "2");
  CHECK(sticky_workflows::begun == 2);
  run.timer_fires("2");
  world.serve_sticky(run.news());
  CHECK(result_of(world.service.workflow_completed.at(2)) == "awake");
  CHECK(sticky_workflows::begun == 2);
}

TEST_CASE("a run whose completion the server refused is forgotten: its state is not in history") {
  World world;
  ServedRun run("a");
  world.service.before = [](std::string_view rpc) {
    if (rpc == "RespondWorkflowTaskCompleted") refuse(RpcCode::not_found, "timed out");
  };
  world.serve(run.whole());
  world.service.before = [](std::string_view) {};
  CHECK(world.tasks->cached() == 0);
  CHECK(world.tasks->cache_counts().evictions == 1);
  CHECK(sticky_workflows::destroyed_on.size() == 1);
}

TEST_CASE("R022 a completion that the server rolls back is forgotten, too") {
  World world;
  world.service.on_workflow_completed = [] {
    ws::RespondWorkflowTaskCompletedResponse response;
    response.set_reset_history_event_id(3);
    return response;
  };
  world.serve(ServedRun("a").whole());
  CHECK(world.tasks->cached() == 0);
}

TEST_CASE("a task that fails takes its run out of memory") {
  World world;
  ServedRun run("a", "FailsLater");
  world.serve(run.whole());
  CHECK(world.tasks->cached() == 1);
  run.timer_fires("1");
  world.serve_sticky(run.news());
  CHECK(world.service.answers == Answers{"workflow completed a 3", "workflow failed a 8"});
  CHECK(world.tasks->cached() == 0);
}

TEST_CASE("a change of code that history does not bear fails the task and takes the run along") {
  World world;
  ServedRun run("a");
  world.serve(run.whole());
  run.history.task_completed();
  const auto scheduled = run.history.activity_scheduled("1", "another");  // not what the code did
  run.history.activity_completed(scheduled, 1);
  run.previous = run.started;
  run.started = run.history.task();
  world.serve_sticky(run.news());
  REQUIRE(world.service.workflow_failed.size() == 1);
  CHECK(world.service.workflow_failed[0].cause() ==
        enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
  CHECK(world.tasks->cached() == 0);
}

TEST_CASE("R011 the least recently used run makes room, destroyed on a workflow thread") {
  World world(2);
  std::vector<ServedRun> runs;
  for (const char* id : {"a", "b", "c"}) {
    runs.emplace_back(id);
    world.serve(runs.back().whole());
  }
  CHECK(world.tasks->cached() == 2);
  CHECK(world.tasks->cache_counts().evictions == 1);
  REQUIRE(sticky_workflows::destroyed_on.size() == 1);
  CHECK(sticky_workflows::destroyed_on[0] != std::this_thread::get_id());
  // It was the first one.
  int calls = 0;
  runs[0].timer_fires("1");
  gives_history(world.service, runs[0], calls);
  world.serve_sticky(runs[0].news());
  CHECK(calls > 0);
  runs[2].timer_fires("1");
  world.serve_sticky(runs[2].news());
  CHECK(world.tasks->cache_counts().hits == 1);
  CHECK(world.service.answers.size() == 5);
}

TEST_CASE("WP2 the next task may come with the answer to a completion: it has the same place") {
  World world;
  ServedRun run("a");
  const auto first = run.whole();
  run.timer_fires("1");
  int answered = 0;
  world.service.on_workflow_completed = [&] {
    ws::RespondWorkflowTaskCompletedResponse response;
    if (++answered == 1) *response.mutable_workflow_task() = run.news();
    CHECK(world.permits.taken() <= 3);
    return response;
  };
  world.serve(first);
  CHECK(world.service.answers == Answers{"workflow completed a 3", "workflow completed a 8"});
  CHECK(sticky_workflows::begun == 1);
  CHECK(world.tasks->cache_counts().hits == 1);
}

TEST_CASE("R018 T-11: two tasks of one run at once are served one after the other") {
  World world;
  ServedRun run("a");
  auto first = run.whole();
  run.timer_fires("1");
  world.loop.poll();
  world.service.deliver(std::move(first));
  world.service.deliver_sticky(run.news());
  while (world.service.answers.size() < 2) world.loop.run_one();
  run.timer_fires("2");
  world.serve_sticky(run.news());
  CHECK(world.service.answers ==
        Answers{"workflow completed a 3", "workflow completed a 8", "workflow completed a 13"});
  CHECK(sticky_workflows::begun == 1);
}

TEST_CASE("a history that cannot be fetched fails the task, and the next one tries again") {
  World world;
  ServedRun run("a");
  run.timer_fires("1");
  world.service.on_history = [](const auto&) -> ws::GetWorkflowExecutionHistoryResponse {
    refuse(RpcCode::unavailable, "later");
  };
  world.serve_sticky(run.news());
  CHECK(world.service.answers == Answers{"workflow failed a 8"});
  int calls = 0;
  gives_history(world.service, run, calls);
  world.serve_sticky(run.news());
  CHECK(world.service.answers.back() == "workflow completed a 8");
}

TEST_CASE("K004 at the end all runs are destroyed, none on the core loop") {
  World world;
  for (const char* id : {"a", "b", "c"}) world.serve(ServedRun(id).whole());
  CHECK(world.tasks->cached() == 3);
  CHECK(sticky_workflows::destroyed_on.empty());
  world.tasks->forget_runs();
  CHECK(world.tasks->cached() == 0);
  run(world.loop, world.tasks->end_polling(0s));
  run(world.loop, world.tasks->drained());
  CHECK(sticky_workflows::destroyed_on.size() == 3);
  for (auto thread : sticky_workflows::destroyed_on) CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("L018 a destructor that never returns costs its thread, and is reported") {
  Stuck stuck;
  sticky_workflows::stuck = &stuck;
  World world(1, 300ms);
  world.serve(ServedRun("a", "HangsInItsDestructor").whole());
  world.serve(ServedRun("b").whole());  // which makes "a" go
  CHECK(world.threads.lost() == 1);
  CHECK(world.log.count(LogLevel::error) == 1);
  world.serve(ServedRun("c").whole());
  CHECK(world.service.answers.size() == 3);
  stuck.release();
}
