// SPDX-License-Identifier: MIT
// From the poll to the answer, with the real engine on real workflow threads.
#include "supervisor/tasks/workflow_tasks.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <optional>

#include "shared/payload_proto.hpp"
#include "temporal/workflow.hpp"
#include "tests/supervisor/tasks/workflow_worker.hpp"
#include "tests/supervisor/threads/stuck.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;
namespace asio = boost::asio;
namespace enums = api::enums::v1;
using Event = api::history::v1::HistoryEvent;

namespace task_workflows {

std::atomic<Stuck*> stuck = nullptr;

struct Echo {
  Task<std::string> run(std::string text) { co_return text; }
};
struct Naps {
  Task<std::string> run() {
    co_await workflow::sleep(1h);
    co_return "awake";
  }
};
struct Buggy {
  Task<> run() {
    throw std::runtime_error("a bug");
    co_return;
  }
};
struct Counts {
  Task<> run() { co_await workflow::sleep(std::chrono::hours(1)); }
  int add(int n) { return total_ += n; }
  int total_ = 0;
};

struct Hangs {
  Task<> run() {
    stuck.load()->block();
    co_return;
  }
};

}  // namespace task_workflows

namespace {

Event event(std::int64_t id, enums::EventType type) {
  Event e;
  e.set_event_id(id);
  e.set_event_type(type);
  return e;
}

// What a new run's first task holds.
std::vector<Event> first_task(const std::string& type, const Payloads& arguments = {}) {
  std::vector<Event> events{event(1, enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED),
                            event(2, enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED),
                            event(3, enums::EVENT_TYPE_WORKFLOW_TASK_STARTED)};
  auto* started = events[0].mutable_workflow_execution_started_event_attributes();
  started->mutable_workflow_type()->set_name(type);
  started->set_original_execution_run_id("run");
  to_proto(arguments, started->mutable_input());
  return events;
}

ws::PollWorkflowTaskQueueResponse task(const std::string& token, const std::string& type,
                                       const std::vector<Event>& events) {
  ws::PollWorkflowTaskQueueResponse response;
  response.set_task_token(token);
  response.mutable_workflow_execution()->set_workflow_id("workflow");
  response.mutable_workflow_execution()->set_run_id("run");
  response.mutable_workflow_type()->set_name(type);
  response.set_started_event_id(3);
  response.set_attempt(1);
  for (const auto& e : events) *response.mutable_history()->add_events() = e;
  return response;
}

void fill(Module& m) {
  m.workflow<task_workflows::Echo>();
  m.workflow<task_workflows::Naps>();
  m.workflow<task_workflows::Buggy>();
  m.workflow<task_workflows::Hangs>();
  m.workflow<task_workflows::Counts>().update<&task_workflows::Counts::add>();
}

struct World : WorkflowWorker {
  explicit World(std::chrono::milliseconds deadline = 10s, int places = 10)
      : WorkflowWorker(fill, {.deadline = deadline, .places = places}) {}
};

using Answers = std::vector<std::string>;

}  // namespace

TEST_CASE("a workflow that is done at its first task is completed, under our name") {
  World world;
  world.serve(task("t", "Echo", first_task("Echo", {to_payload("hi")})));
  REQUIRE(world.service.answers == Answers{"workflow completed t"});
  const auto& answer = world.service.workflow_completed[0];
  CHECK(answer.namespace_() == "shop");
  CHECK(answer.identity() == "1@host");
  CHECK(answer.worker_instance_key() == "key");
  CHECK(answer.capabilities().discard_speculative_workflow_task_with_events());
  CHECK_FALSE(answer.has_sticky_attributes());
  CHECK_FALSE(answer.return_new_workflow_task());
  REQUIRE(answer.commands_size() == 1);
  const auto& result = answer.commands(0).complete_workflow_execution_command_attributes().result();
  CHECK(from_payload<std::string>(from_proto(result).at(0)) == "hi");

  const auto& poll = world.service.workflow_polls.at(0);
  CHECK(poll.namespace_() == "shop");
  CHECK(poll.task_queue().name() == "queue");
  CHECK(poll.task_queue().kind() == enums::TASK_QUEUE_KIND_NORMAL);
  CHECK(poll.identity() == "1@host");
  CHECK(poll.worker_instance_key() == "key");
}

TEST_CASE("without a free place there is no open poll") {
  World world(10s, 1);
  world.loop.poll();
  CHECK(world.service.open_polls == 1);
  world.serve(task("t", "Naps", first_task("Naps")));
  world.loop.restart();
  world.loop.poll();
  CHECK(world.service.open_polls == 1);
  CHECK(world.permits.taken() == 1);
}

TEST_CASE("a history that comes in pages is joined, raw and empty pages included") {
  World world;
  auto events = first_task("Naps");
  events.push_back(event(4, enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED));
  events.back().mutable_workflow_task_completed_event_attributes()->set_scheduled_event_id(2);
  events.back().mutable_workflow_task_completed_event_attributes()->set_started_event_id(3);
  events.push_back(event(5, enums::EVENT_TYPE_TIMER_STARTED));
  auto* timer = events.back().mutable_timer_started_event_attributes();
  timer->set_timer_id("1");
  to_proto(Duration(1h), timer->mutable_start_to_fire_timeout());
  timer->set_workflow_task_completed_event_id(4);
  events.push_back(event(6, enums::EVENT_TYPE_TIMER_FIRED));
  events.back().mutable_timer_fired_event_attributes()->set_timer_id("1");
  events.back().mutable_timer_fired_event_attributes()->set_started_event_id(5);
  events.push_back(event(7, enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED));
  events.push_back(event(8, enums::EVENT_TYPE_WORKFLOW_TASK_STARTED));

  auto given = task("t", "Naps", {events[0], events[1]});
  given.set_previous_started_event_id(3);
  given.set_started_event_id(8);
  given.set_next_page_token("page 1");
  world.service.on_history = [&](const ws::GetWorkflowExecutionHistoryRequest& request) {
    CHECK(request.namespace_() == "shop");
    CHECK(request.execution().run_id() == "run");
    CHECK_FALSE(request.wait_new_event());
    ws::GetWorkflowExecutionHistoryResponse page;
    const auto& token = request.next_page_token();
    if (token == "page 1") {
      for (int i : {2, 3, 4}) *page.mutable_history()->add_events() = events[i];
      page.set_next_page_token("page 2");
    } else if (token == "page 2") {
      page.set_next_page_token("page 3");  // nothing in it
    } else if (token == "page 3") {
      for (int i : {5, 6, 7}) *page.mutable_history()->add_events() = events[i];
      page.set_next_page_token("page 4");
    } else {
      CHECK(token == "page 4");  // nothing follows
    }
    return page;
  };
  world.serve(std::move(given));
  REQUIRE(world.service.answers == Answers{"workflow completed t"});
  const auto& command = world.service.workflow_completed[0].commands(0);
  CHECK(command.command_type() == enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
}

TEST_CASE(
    "R014 a bug in the workflow fails its first attempt aloud and the later ones in silence") {
  World world;
  world.serve(task("one", "Buggy", first_task("Buggy")));
  REQUIRE(world.service.answers == Answers{"workflow failed one"});
  const auto& failed = world.service.workflow_failed[0];
  CHECK(failed.cause() == enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  CHECK(failed.failure().message().find("a bug") != std::string::npos);
  CHECK(failed.namespace_() == "shop");
  CHECK(failed.identity() == "1@host");
  auto again = task("two", "Buggy", first_task("Buggy"));
  again.set_attempt(2);
  world.serve(std::move(again));
  CHECK(world.service.answers == Answers{"workflow failed one"});
  CHECK(world.log.count(LogLevel::error) == 2);
}

TEST_CASE("a type that nobody registered fails the task, and names those that are") {
  World world;
  world.serve(task("t", "Order", first_task("Order")));
  REQUIRE(world.service.workflow_failed.size() == 1);
  const auto message = world.service.workflow_failed[0].failure().message();
  INFO(message);
  CHECK(message.find("Order") != std::string::npos);
  CHECK(message.find("Echo") != std::string::npos);
}

TEST_CASE("a run that is gone while its history is read is forgotten in silence") {
  World world;
  auto given = task("t", "Echo", first_task("Echo", {to_payload("hi")}));
  given.set_next_page_token("more");
  world.service.on_history = [](const auto&) -> ws::GetWorkflowExecutionHistoryResponse {
    refuse(RpcCode::not_found, "gone");
  };
  world.serve(std::move(given));
  CHECK(world.service.answers.empty());
  CHECK(world.log.count(LogLevel::warn) == 0);
}

TEST_CASE("a history that cannot be read fails the task: first attempt only") {
  World world;
  world.service.on_history = [](const auto&) -> ws::GetWorkflowExecutionHistoryResponse {
    refuse(RpcCode::unavailable, "later");
  };
  for (int attempt : {1, 2}) {
    auto given = task("t", "Echo", first_task("Echo", {to_payload("hi")}));
    given.set_next_page_token("more");
    given.set_attempt(attempt);
    world.serve(std::move(given));
  }
  CHECK(world.service.answers == Answers{"workflow failed t"});
}

TEST_CASE("R012 a completion the server does not take is routine or worth a warning") {
  const auto warnings = [](RpcCode code, const std::string& message) {
    World world;
    world.service.before = [&](std::string_view rpc) {
      if (rpc == "RespondWorkflowTaskCompleted") refuse(code, message);
    };
    world.serve(task("t", "Echo", first_task("Echo", {to_payload("hi")})));
    CHECK(world.service.answers == Answers{"workflow completed t"});  // and no failure after it
    CHECK(world.permits.taken() <= 2);
    return world.log.count(LogLevel::warn);
  };
  CHECK(warnings(RpcCode::not_found, "task not found") == 0);
  CHECK(warnings(RpcCode::invalid_argument, "UnhandledCommand") == 0);
  CHECK(warnings(RpcCode::invalid_argument, "BadScheduleActivityAttributes") == 1);
  CHECK(warnings(RpcCode::unavailable, "away") == 1);
}

TEST_CASE("R023 a workflow counts as completed once the server has taken that") {
  const auto completed = [](bool refuses) {
    World world;
    world.service.before = [&](std::string_view rpc) {
      if (refuses && rpc == "RespondWorkflowTaskCompleted") refuse(RpcCode::not_found, "gone");
    };
    world.serve(task("t", "Echo", first_task("Echo", {to_payload("hi")})));
    const auto text = world.registry.text();
    const auto at = text.find("\ntemporal_workflow_completed{");
    REQUIRE(at != std::string::npos);
    return text.substr(at, text.find('\n', at + 1) - at).ends_with("} 1");
  };
  CHECK(completed(false));
  CHECK_FALSE(completed(true));
}

TEST_CASE("R015 an answer that is too large for one message fails its task, once") {
  World world;
  world.service.before = [](std::string_view rpc) {
    if (rpc == "RespondWorkflowTaskCompleted")
      refuse(RpcCode::resource_exhausted,
             "grpc: received message larger than max (5000000 vs. 4194304)");
  };
  for (int attempt : {1, 2}) {
    auto given = task("t", "Echo", first_task("Echo", {to_payload("hi")}));
    given.set_attempt(attempt);
    world.serve(std::move(given));
  }
  CHECK(world.service.answers ==
        Answers{"workflow completed t", "workflow failed t", "workflow completed t"});
  CHECK(world.service.workflow_failed[0].cause() ==
        enums::WORKFLOW_TASK_FAILED_CAUSE_GRPC_MESSAGE_TOO_LARGE);
}

TEST_CASE("R016 a payload that the server would not take fails the task before it is sent") {
  World world;
  const std::string large(3 << 20, 'x');
  world.serve(task("t", "Echo", first_task("Echo", {to_payload(large)})));
  REQUIRE(world.service.answers == Answers{"workflow failed t"});
  const auto& failed = world.service.workflow_failed[0];
  CHECK(failed.cause() == enums::WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE);
  CHECK(failed.failure().message().starts_with("CompleteWorkflowExecution has a payload of 31457"));
  CHECK(world.log.count(LogLevel::error) == 1);
}

TEST_CASE(
    "D022 an update whose answer was lost comes again, and is answered as if for the first time") {
  World world;
  const auto given = [](const char* token) {
    auto with_update = task(token, "Counts", first_task("Counts"));
    auto& message = *with_update.add_messages();
    message.set_id("u1/request");
    message.set_protocol_instance_id("u1");
    message.set_event_id(2);
    api::update::v1::Request update;
    update.mutable_meta()->set_update_id("u1");
    update.mutable_input()->set_name("add");
    to_proto(to_payload(3), update.mutable_input()->mutable_args()->add_payloads());
    message.mutable_body()->PackFrom(update);
    return with_update;
  };
  bool lost = true;
  world.service.before = [&](std::string_view rpc) {
    if (lost && rpc == "RespondWorkflowTaskCompleted") refuse(RpcCode::unavailable, "away");
  };
  world.serve(given("one"));
  lost = false;
  world.serve(given("two"));
  CHECK(world.service.answers == Answers{"workflow completed one", "workflow completed two"});
  REQUIRE(world.service.workflow_completed.size() == 1);
  const auto& answer = world.service.workflow_completed[0];
  REQUIRE(answer.messages_size() == 2);
  api::update::v1::Response response;
  REQUIRE(answer.messages(1).body().UnpackTo(&response));
  CHECK(response.outcome().success().payloads(0).data() == "3");
}

TEST_CASE("queries are answered: there is no such query") {
  World world;
  auto legacy = task("t", "Naps", first_task("Naps"));
  legacy.set_previous_started_event_id(3);
  legacy.set_started_event_id(0);
  legacy.mutable_query()->set_query_type("total");
  world.serve(std::move(legacy));
  REQUIRE(world.service.answers == Answers{"query t"});
  CHECK(world.service.queries[0].completed_type() == enums::QUERY_RESULT_TYPE_FAILED);
  CHECK(world.service.queries[0].error_message().starts_with(
      "this workflow has no query 'total'; known queries: "));

  auto beside = task("u", "Naps", first_task("Naps"));
  (*beside.mutable_queries())["q1"].set_query_type("total");
  world.serve(std::move(beside));
  const auto& results = world.service.workflow_completed.at(0).query_results();
  REQUIRE(results.contains("q1"));
  CHECK(results.at("q1").result_type() == enums::QUERY_RESULT_TYPE_FAILED);
}

TEST_CASE("a task that arrives while the worker stops is answered") {
  World world;
  world.loop.poll();
  world.tasks->stop_polling();
  world.serve(task("late", "Echo", first_task("Echo", {to_payload("hi")})));
  CHECK(world.service.answers == Answers{"workflow completed late"});
  CHECK(world.service.polls == 2);
}

TEST_CASE("a workflow that holds its thread fails its task once; others run; its thread is lost") {
  Stuck first, second;
  World world(300ms);
  task_workflows::stuck = &first;
  world.serve(task("one", "Hangs", first_task("Hangs")));
  REQUIRE(world.service.answers == Answers{"workflow failed one"});
  const auto message = world.service.workflow_failed[0].failure().message();
  INFO(message);
  CHECK(message.starts_with("[TMPRL1101] Potential deadlock: workflow code of type Hangs"));
  CHECK(message.find("300 ms") != std::string::npos);
  CHECK(world.threads.lost() == 1);

  world.serve(task("two", "Echo", first_task("Echo", {to_payload("hi")})));
  task_workflows::stuck = &second;
  auto again = task("three", "Hangs", first_task("Hangs"));
  again.set_attempt(2);
  world.serve(std::move(again));
  CHECK(world.service.answers == Answers{"workflow failed one", "workflow completed two"});
  CHECK(world.threads.lost() == 2);
  first.release();
  second.release();
}
