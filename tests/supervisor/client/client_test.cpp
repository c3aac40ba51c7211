// SPDX-License-Identifier: MIT
// The public client against a peer that answers as each test says.
#include "temporal/client.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tests/supervisor/rpc/peer.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using temporal::test::Answer;
using temporal::test::Peer;
using temporal::test::Question;
namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;
using Event = api::history::v1::HistoryEvent;

namespace orders {

struct Order {
  Task<std::string> run(std::string customer, int cents) {
    co_return customer + std::to_string(cents);
  }
};

}  // namespace orders

namespace {

template <class Message>
Answer answer(const Message& message) {
  return {grpc::Status::OK, message.SerializeAsString()};
}

// A server whose runs end as they are told to. Asked on gRPC's threads, one call at a time; looked
// at when the calls are over.
struct Server {
  ws::StartWorkflowExecutionRequest started;
  grpc::Status start_status = grpc::Status::OK;
  std::map<std::string, std::vector<Event>> ends;  // by run id, one per question
  std::vector<ws::GetWorkflowExecutionHistoryRequest> asked;

  Peer peer{[this](const Question& question) { return reply(question); }};

  Answer reply(const Question& question) {
    const auto method = question.method.substr(question.method.rfind('/') + 1);
    if (method == "GetSystemInfo") return answer(ws::GetSystemInfoResponse());
    if (method == "StartWorkflowExecution") {
      started.ParseFromString(question.request);
      ws::StartWorkflowExecutionResponse response;
      response.set_run_id("first");
      return start_status.ok() ? answer(response) : Answer{start_status, {}};
    }
    if (method == "GetWorkflowExecutionHistory") {
      auto& request = asked.emplace_back();
      request.ParseFromString(question.request);
      auto& events = ends[request.execution().run_id()];
      ws::GetWorkflowExecutionHistoryResponse response;
      if (events.empty()) return {grpc::Status(grpc::StatusCode::NOT_FOUND, "no such run"), {}};
      if (events.front().event_type() == enums::EVENT_TYPE_UNSPECIFIED)
        response.set_next_page_token("go on");  // 20 s went by
      else
        *response.mutable_history()->add_events() = events.front();
      events.erase(events.begin());
      return answer(response);
    }
    return {grpc::Status(grpc::StatusCode::UNIMPLEMENTED, method), {}};
  }
};

Client client_of(const Server& server) {
  const auto address = server.peer.address();
  return Client::connect({.address = address, .name_space = "shop", .identity = "me"});
}

Event ended(enums::EventType type) {
  Event event;
  event.set_event_type(type);
  return event;
}

Event completed(const std::string& result) {
  auto event = ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  to_proto(Payloads{to_payload(result)},
           event.mutable_workflow_execution_completed_event_attributes()->mutable_result());
  return event;
}

// How the run of Order ended that this server tells of.
std::shared_ptr<const Failure> cause_of(const Event& event, std::string_view how) {
  Server server;
  server.ends["first"] = {event};
  auto client = client_of(server);
  const auto order = client.start<orders::Order>({.id = "o1", .task_queue = "q"}, "ann", 1);
  try {
    (void)order.result();
  } catch (const WorkflowFailedError& error) {
    CHECK(std::string(error.what()) == "workflow o1 " + std::string(how));
    return error.cause();
  }
  FAIL("it has a result");
  return nullptr;
}

}  // namespace

TEST_CASE("a start says what is to run, where, and for whom") {
  Server server;
  auto client = client_of(server);
  const auto order = client.start<orders::Order>({.id = "o1",
                                                  .task_queue = "q",
                                                  .execution_timeout = 1h,
                                                  .run_timeout = 30min,
                                                  .task_timeout = 5s,
                                                  .retry = {.maximum_attempts = 3}},
                                                 "ann", 999);
  CHECK(order.id() == "o1");
  CHECK(order.run_id() == "first");
  const auto& request = server.started;
  CHECK(request.namespace_() == "shop");
  CHECK(request.identity() == "me");
  CHECK(request.workflow_id() == "o1");
  CHECK(request.workflow_type().name() == "Order");
  CHECK(request.task_queue().name() == "q");
  CHECK(from_proto(request.input()) == Payloads{to_payload("ann"), to_payload(999)});
  CHECK(from_proto(request.workflow_execution_timeout()) == 1h);
  CHECK(from_proto(request.workflow_run_timeout()) == 30min);
  CHECK(from_proto(request.workflow_task_timeout()) == 5s);
  CHECK(request.retry_policy().maximum_attempts() == 3);
  CHECK_FALSE(request.retry_policy().has_initial_interval());  // the server's default
  CHECK(request.request_id().size() == 36);
}

TEST_CASE("CL2 a start says what becomes of its id, and what is known of the run") {
  Server server;
  auto client = client_of(server);
  Memo memo;
  memo.set("note", std::string("by hand"));
  const SearchAttributes attributes(KeywordKey{"Colour"}.set("red"));
  (void)client.start<orders::Order>({.id = "o1",
                                     .task_queue = "q",
                                     .id_reuse = IdReuse::reject_duplicate,
                                     .id_conflict = IdConflict::use_existing,
                                     .cron_schedule = "@daily",
                                     .start_delay = 90s,
                                     .memo = &memo,
                                     .search_attributes = &attributes,
                                     .priority = {.key = 2},
                                     .summary = "an order",
                                     .details = "of *Ann's*"},
                                    "ann", 999);
  const auto& request = server.started;
  CHECK(request.workflow_id_reuse_policy() == enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
  CHECK(request.workflow_id_conflict_policy() == enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING);
  CHECK(request.cron_schedule() == "@daily");
  CHECK(from_proto(request.workflow_start_delay()) == 90s);
  CHECK(request.memo().fields().at("note").data() == "\"by hand\"");
  const auto& colour = request.search_attributes().indexed_fields().at("Colour");
  CHECK(colour.data() == "\"red\"");
  CHECK(colour.metadata().at("type") == "Keyword");
  CHECK(request.priority().priority_key() == 2);
  CHECK(request.user_metadata().summary().data() == "\"an order\"");
  CHECK(request.user_metadata().details().data() == "\"of *Ann's*\"");
}

TEST_CASE("what no server would take is refused before it is sent, and says why") {
  Server server;
  auto client = client_of(server);
  const auto refusal = [&](StartOptions options) -> std::string {
    options.task_queue = "q";
    try {
      (void)client.start<orders::Order>(options, "ann", 1);
    } catch (const ClientError& error) {
      return error.what();
    }
    return {};
  };
  CHECK(refusal({.run_timeout = -1s}) == "workflow Order: a timeout must not be negative");
  CHECK(refusal({.retry = {.maximum_attempts = -1}}) ==
        "workflow Order: maximum_attempts must not be negative");
  CHECK(refusal({.priority = {.key = -1}}) == "workflow Order: priority.key must not be negative");
  CHECK(refusal(
            {.id_reuse = IdReuse::reject_duplicate, .id_conflict = IdConflict::terminate_existing})
            .find("choose one") != std::string::npos);
  CHECK(server.started.workflow_id().empty());
}

TEST_CASE("what is not said is left to the server; ids are made up, each anew") {
  Server server;
  auto client = client_of(server);
  const auto one = client.start<std::string>("Foreign", {.task_queue = "q"}, 1, "two");
  const auto first = server.started;
  const auto two = client.start<std::string>("Foreign", {.task_queue = "q"}, 1, "two");
  CHECK(one.id().size() == 36);
  CHECK(one.id() != two.id());
  CHECK(first.request_id() != server.started.request_id());
  CHECK_FALSE(first.has_retry_policy());
  CHECK_FALSE(first.has_workflow_run_timeout());
  CHECK(first.workflow_type().name() == "Foreign");
  CHECK(first.input().payloads_size() == 2);
}

TEST_CASE("a result is waited for through empty answers") {
  Server server;
  server.ends["first"] = {Event(), Event(), completed("ann999")};
  auto client = client_of(server);
  const auto order = client.start<orders::Order>({.id = "o1", .task_queue = "q"}, "ann", 999);
  CHECK(order.result() == "ann999");
  REQUIRE(server.asked.size() == 3);
  for (const auto& request : server.asked) {
    CHECK(request.namespace_() == "shop");
    CHECK(request.execution().workflow_id() == "o1");
    CHECK(request.wait_new_event());
    CHECK(request.history_event_filter_type() == enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  }
  CHECK(server.asked[0].next_page_token().empty());
  CHECK(server.asked[1].next_page_token() == "go on");
}

TEST_CASE("retries, cron and continue-as-new are followed to the end of the chain") {
  Server server;
  auto failed = ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  failed.mutable_workflow_execution_failed_event_attributes()->set_new_execution_run_id("2");
  auto timed_out = ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT);
  timed_out.mutable_workflow_execution_timed_out_event_attributes()->set_new_execution_run_id("3");
  auto continued = ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW);
  continued.mutable_workflow_execution_continued_as_new_event_attributes()
      ->set_new_execution_run_id("4");
  auto cron = completed("not yet");
  cron.mutable_workflow_execution_completed_event_attributes()->set_new_execution_run_id("5");
  server.ends = {{"first", {failed}},
                 {"2", {timed_out}},
                 {"3", {continued}},
                 {"4", {cron}},
                 {"5", {completed("last")}}};
  auto client = client_of(server);
  CHECK(client.start<orders::Order>({.task_queue = "q"}, "ann", 1).result() == "last");
  CHECK(server.asked.size() == 5);
  for (const auto& request : server.asked) CHECK(request.next_page_token().empty());
}

TEST_CASE("a workflow that ends without a result says how, with the cause") {
  auto failed = ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  to_failure_proto(ApplicationError("no funds", {.type = "Declined"}),
                   failed.mutable_workflow_execution_failed_event_attributes()->mutable_failure());
  const auto failure = cause_of(failed, "failed");
  const auto* application = dynamic_cast<const ApplicationError*>(failure.get());
  REQUIRE(application);
  CHECK(application->type() == "Declined");

  auto canceled = ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED);
  to_proto(Payloads{to_payload("half")},
           canceled.mutable_workflow_execution_canceled_event_attributes()->mutable_details());
  const auto cancellation = cause_of(canceled, "was cancelled");
  const auto* cancelled = dynamic_cast<const Cancelled*>(cancellation.get());
  REQUIRE(cancelled);
  CHECK(cancelled->details() == Payloads{to_payload("half")});

  auto terminated = ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  terminated.mutable_workflow_execution_terminated_event_attributes()->set_reason("enough");
  const auto termination = cause_of(terminated, "was terminated");
  CHECK(dynamic_cast<const TerminatedError*>(termination.get()));
  CHECK(termination->message() == "enough");

  const auto timeout = cause_of(ended(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT), "timed out");
  CHECK(dynamic_cast<const TimeoutError*>(timeout.get()));
}

TEST_CASE("an id that is in use has an error of its own") {
  Server server;
  server.start_status = grpc::Status(grpc::StatusCode::ALREADY_EXISTS, "in use");
  auto client = client_of(server);
  try {
    (void)client.start<orders::Order>({.id = "o1", .task_queue = "q"}, "ann", 1);
    FAIL("it was started");
  } catch (const WorkflowAlreadyStartedError& error) {
    CHECK(std::string(error.what()).find("'o1'") != std::string::npos);
  }
}

TEST_CASE("what the server refuses is a ClientError with what it said") {
  Server server;
  server.start_status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad queue name");
  auto client = client_of(server);
  try {
    (void)client.start<orders::Order>({.id = "o1", .task_queue = "q"}, "ann", 1);
    FAIL("it was started");
  } catch (const ClientError& error) {
    CHECK(std::string(error.what()).find("bad queue name") != std::string::npos);
  }
  CHECK_THROWS_AS((void)client.start<orders::Order>({.id = "o1"}, "ann", 1), ClientError);

  server.start_status = grpc::Status::OK;
  const auto order = client.start<orders::Order>({.id = "o1", .task_queue = "q"}, "ann", 1);
  CHECK_THROWS_AS((void)order.result(), ClientError);  // no such run
}

TEST_CASE("a result of another type is a DecodeError") {
  Server server;
  server.ends["first"] = {completed("text")};
  auto client = client_of(server);
  CHECK_THROWS_AS((void)client.start<int>("Order", {.task_queue = "q"}).result(), DecodeError);
}

TEST_CASE("no server, or no address, is one sentence") {
  const auto refusal = [](const ClientOptions& options) -> std::string {
    try {
      const auto client = Client::connect(options);
    } catch (const ClientError& error) {
      return error.what();
    }
    return "connected";
  };
  // A port that nobody can listen on without being root.
  const auto away = refusal({.address = "127.0.0.1:1", .connect_timeout = 300ms});
  CHECK(away.find("127.0.0.1:1") != std::string::npos);
  CHECK(away.find('\n') == std::string::npos);
  CHECK(refusal({.address = "nowhere"}).find("host:port") != std::string::npos);
}

TEST_CASE("a handle outlives its client; a client that is moved is the same") {
  Server server;
  server.ends["first"] = {completed("x")};
  auto client = client_of(server);
  auto moved = std::move(client);
  const auto order = moved.start<orders::Order>({.task_queue = "q"}, "ann", 1);
  { const auto gone = std::move(moved); }
  CHECK(order.result() == "x");
}
