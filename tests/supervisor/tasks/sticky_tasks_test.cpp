// SPDX-License-Identifier: MIT
// Runs that stay in memory between their tasks: which tasks they serve, and which they do not.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/supervisor/tasks/sticky_worker.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
using temporal::testing::HistoryBuilder;
namespace enums = api::enums::v1;

namespace {

using Answers = std::vector<std::string>;
using World = StickyWorker;

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

TEST_CASE(
    "R020 WP2 the next task may come with the answer to a completion: it has the same place") {
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
