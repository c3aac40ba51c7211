// SPDX-License-Identifier: MIT
// One file though it is long: all cases stand on the one server that answers as it is told.
// What handles send, and what they make of answers: against a peer that answers as each test says.
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "google/rpc/status.pb.h"
#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/api/errordetails/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "temporal/client.hpp"
#include "tests/supervisor/rpc/peer.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using temporal::test::Answer;
using temporal::test::Peer;
using temporal::test::Question;
namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;
namespace details = api::errordetails::v1;

namespace handled {

struct Cart {
  Task<std::string> run(std::string customer) { co_return customer; }
  void check_out() {}
  void note(std::string, int) {}
  int total(std::string) const { return 0; }
  Task<int> add(std::string) { co_return 0; }
};

}  // namespace handled

namespace {

using handled::Cart;

template <class Message>
Answer answer(const Message& message) {
  return {grpc::Status::OK, message.SerializeAsString()};
}

Answer refusal(grpc::StatusCode code, const std::string& message) {
  return {grpc::Status(code, message), {}};
}

template <class Detail>
Answer refusal(grpc::StatusCode code, const std::string& message, const Detail& detail) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return {grpc::Status(code, message, status.SerializeAsString()), {}};
}

// Gives the answers it was told to, in order, then empty ones. Asked on gRPC's threads, one call at a time; looked at when the
// calls are over.
struct Server {
  std::map<std::string, std::deque<Answer>> answers;  // by method
  std::map<std::string, std::vector<std::string>> asked;

  Peer peer{[this](const Question& question) {
    const auto method = question.method.substr(question.method.rfind('/') + 1);
    asked[method].push_back(question.request);
    auto& waiting = answers[method];
    if (waiting.empty()) return Answer{grpc::Status::OK, {}};
    auto next = std::move(waiting.front());
    waiting.pop_front();
    return next;
  }};
  const std::string address = peer.address();
  Client client = Client::connect({.address = address, .name_space = "shop", .identity = "me"});

  template <class Request>
  Request request(const std::string& method, std::size_t index = 0) {
    Request request;
    REQUIRE(asked[method].size() > index);
    request.ParseFromString(asked[method][index]);
    return request;
  }
  WorkflowHandle<Cart> started() {
    ws::StartWorkflowExecutionResponse response;
    response.set_run_id("first");
    answers["StartWorkflowExecution"] = {answer(response)};
    return client.start<Cart>({.id = "c1", .task_queue = "q"}, "ann");
  }
};

ws::UpdateWorkflowExecutionResponse update_reply(
    enums::UpdateWorkflowExecutionLifecycleStage stage) {
  ws::UpdateWorkflowExecutionResponse response;
  response.set_stage(stage);
  response.mutable_update_ref()->mutable_workflow_execution()->set_run_id("now");
  return response;
}

constexpr auto kAdmitted = enums::UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED;
constexpr auto kAccepted = enums::UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED;
constexpr auto kCompleted = enums::UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED;

template <class Response>
Response succeeded(Response response, int result) {
  to_proto(Payloads{to_payload(result)}, response.mutable_outcome()->mutable_success());
  return response;
}

template <class Error, class Call>
Error thrown(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing of this kind was thrown");
  throw std::logic_error("not reached");
}

bool says(const std::exception& error, std::string_view part) {
  INFO(error.what());
  return std::string_view(error.what()).find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("C003 a signal is named by its handler, and goes to the newest run") {
  Server server;
  server.started().signal<&Cart::note>("tea", 2);
  const auto request =
      server.request<ws::SignalWorkflowExecutionRequest>("SignalWorkflowExecution");
  CHECK(request.namespace_() == "shop");
  CHECK(request.identity() == "me");
  CHECK(request.workflow_execution().workflow_id() == "c1");
  CHECK(request.workflow_execution().run_id().empty());
  CHECK(request.signal_name() == "note");
  CHECK(from_proto(request.input()) == Payloads{to_payload("tea"), to_payload(2)});
  CHECK(request.request_id().size() == 36);
}

TEST_CASE("C003 a signal by name goes to the run that is named, with the types it is given") {
  Server server;
  const auto cart = server.client.handle("c1", "r7");
  CHECK(cart.run_id() == "r7");
  cart.signal("remark", 1, std::string("two"), true);
  const auto request =
      server.request<ws::SignalWorkflowExecutionRequest>("SignalWorkflowExecution");
  CHECK(request.workflow_execution().run_id() == "r7");
  CHECK(request.signal_name() == "remark");
  CHECK(from_proto(request.input()) ==
        Payloads{to_payload(1), to_payload("two"), to_payload(true)});
}

TEST_CASE("C003 a signal may start its workflow") {
  Server server;
  ws::SignalWithStartWorkflowExecutionResponse response;
  response.set_run_id("r1");
  response.set_started(true);
  server.answers["SignalWithStartWorkflowExecution"] = {answer(response)};
  const auto cart = server.client.signal_with_start<&Cart::note>(
      {.id = "c1", .task_queue = "q", .run_timeout = 30s, .cron_schedule = "@daily"},
      std::tuple{"ann"}, "tea", 2);
  CHECK(cart.id() == "c1");
  CHECK(cart.run_id() == "r1");
  const auto request = server.request<ws::SignalWithStartWorkflowExecutionRequest>(
      "SignalWithStartWorkflowExecution");
  CHECK(request.namespace_() == "shop");
  CHECK(request.identity() == "me");
  CHECK(request.workflow_id() == "c1");
  CHECK(request.workflow_type().name() == "Cart");
  CHECK(request.task_queue().name() == "q");
  CHECK(from_proto(request.workflow_run_timeout()) == 30s);
  CHECK(request.cron_schedule() == "@daily");
  // A run that is there gets the signal: that is what it is for.
  CHECK(request.workflow_id_conflict_policy() ==
        api::enums::v1::WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED);
  CHECK(from_proto(request.input()) == Payloads{to_payload("ann")});
  CHECK(request.signal_name() == "note");
  CHECK(from_proto(request.signal_input()) == Payloads{to_payload("tea"), to_payload(2)});

  (void)server.client.signal_with_start<int>("Foreign", {.task_queue = "q"}, std::tuple{}, "go", 7);
  const auto second = server.request<ws::SignalWithStartWorkflowExecutionRequest>(
      "SignalWithStartWorkflowExecution", 1);
  CHECK(second.workflow_type().name() == "Foreign");
  CHECK(from_proto(second.signal_input()) == Payloads{to_payload(7)});
}

TEST_CASE("C004 a query asks by its handler's name, or by a name, and decodes the answer") {
  Server server;
  ws::QueryWorkflowResponse response;
  to_proto(Payloads{to_payload(3)}, response.mutable_query_result());
  server.answers["QueryWorkflow"] = {answer(response), answer(response)};
  const auto cart = server.started();
  CHECK(cart.query<&Cart::total>("tea") == 3);
  CHECK(cart.query<int>("count", {.reject = QueryReject::not_open}, 1) == 3);
  const auto first = server.request<ws::QueryWorkflowRequest>("QueryWorkflow");
  CHECK(first.execution().workflow_id() == "c1");
  CHECK(first.query().query_type() == "total");
  CHECK(from_proto(first.query().query_args()) == Payloads{to_payload("tea")});
  CHECK(first.query_reject_condition() == enums::QUERY_REJECT_CONDITION_NONE);
  const auto second = server.request<ws::QueryWorkflowRequest>("QueryWorkflow", 1);
  CHECK(second.query().query_type() == "count");
  CHECK(second.query_reject_condition() == enums::QUERY_REJECT_CONDITION_NOT_OPEN);
}

TEST_CASE("C012 a query that fails tells the cause, one that is turned down the status") {
  Server server;
  details::QueryFailedFailure failed;
  to_failure_proto(ApplicationError("no such item", {.type = "Missing"}), failed.mutable_failure());
  ws::QueryWorkflowResponse rejected;
  rejected.mutable_query_rejected()->set_status(enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
  server.answers["QueryWorkflow"] = {
      refusal(grpc::StatusCode::INVALID_ARGUMENT, "no such item", failed),
      refusal(grpc::StatusCode::INVALID_ARGUMENT, "too large"), answer(rejected)};
  const auto cart = server.started();
  const auto ask = [&] { (void)cart.query<&Cart::total>("x"); };
  const auto failure = thrown<QueryFailedError>(ask);
  CHECK(failure.message() == "query 'total' of workflow 'c1' failed: no such item");
  const auto* cause = dynamic_cast<const ApplicationError*>(failure.cause().get());
  REQUIRE(cause);
  CHECK(cause->type() == "Missing");
  CHECK(thrown<QueryFailedError>(ask).cause()->message() == "too large");
  const auto rejection = thrown<QueryRejectedError>(ask);
  CHECK(rejection.status() == WorkflowStatus::terminated);
  CHECK(says(rejection, "it is terminated"));
}

TEST_CASE("Q010 a query that nobody answers ends after its time, with the next step") {
  Server server;
  server.answers["QueryWorkflow"] = {Answer{grpc::Status::OK, {}, true}};
  const auto cart = server.started();
  const auto late =
      thrown<QueryTimeoutError>([&] { (void)cart.query<&Cart::total>({.timeout = 50ms}, "x"); });
  CHECK(says(late, "'total' of workflow 'c1' was not answered within 0.05 s"));
  CHECK(says(late, "is there a worker"));
  CHECK_NOTHROW(cart.signal<&Cart::check_out>());  // the client goes on
}

TEST_CASE("C005 an update is sent again until it is accepted, then its outcome is polled for") {
  Server server;
  server.answers["UpdateWorkflowExecution"] = {answer(update_reply(kAdmitted)),
                                               answer(update_reply(kAccepted))};
  server.answers["PollWorkflowExecutionUpdate"] = {
      Answer{grpc::Status::OK, {}},
      answer(succeeded(ws::PollWorkflowExecutionUpdateResponse(), 5))};
  CHECK(server.started().update<&Cart::add>("tea") == 5);
  const auto first = server.request<ws::UpdateWorkflowExecutionRequest>("UpdateWorkflowExecution");
  const auto again =
      server.request<ws::UpdateWorkflowExecutionRequest>("UpdateWorkflowExecution", 1);
  CHECK(first.SerializeAsString() == again.SerializeAsString());
  CHECK(first.workflow_execution().workflow_id() == "c1");
  CHECK(first.workflow_execution().run_id().empty());
  CHECK(first.first_execution_run_id() == "first");
  CHECK(first.wait_policy().lifecycle_stage() == kCompleted);
  CHECK(first.request().meta().update_id().size() == 36);
  CHECK(first.request().meta().identity() == "me");
  CHECK(first.request().input().name() == "add");
  CHECK(from_proto(first.request().input().args()) == Payloads{to_payload("tea")});
  const auto poll =
      server.request<ws::PollWorkflowExecutionUpdateRequest>("PollWorkflowExecutionUpdate", 1);
  CHECK(poll.update_ref().update_id() == first.request().meta().update_id());
  CHECK(poll.update_ref().workflow_execution().run_id() == "now");
  CHECK(poll.wait_policy().lifecycle_stage() == kCompleted);
}

TEST_CASE("D013 an update that is only started is waited for until it is accepted") {
  Server server;
  server.answers["UpdateWorkflowExecution"] = {answer(update_reply(kAccepted)),
                                               answer(succeeded(update_reply(kCompleted), 8))};
  server.answers["PollWorkflowExecutionUpdate"] = {
      answer(succeeded(ws::PollWorkflowExecutionUpdateResponse(), 7))};
  const auto cart = server.started();
  const auto update = cart.start_update<&Cart::add>({.id = "u1"}, "tea");
  CHECK(update.id() == "u1");
  CHECK(update.workflow_id() == "c1");
  CHECK_FALSE(server.asked.contains("PollWorkflowExecutionUpdate"));
  CHECK(update.result() == 7);
  const auto request =
      server.request<ws::UpdateWorkflowExecutionRequest>("UpdateWorkflowExecution");
  CHECK(request.wait_policy().lifecycle_stage() == kAccepted);
  CHECK(request.request().meta().update_id() == "u1");
  // What was done at once is not asked for again.
  CHECK(cart.start_update<int>("add", "tea").result() == 8);
  CHECK(server.asked["PollWorkflowExecutionUpdate"].size() == 1);
}

TEST_CASE("C012 an update that fails tells the cause") {
  Server server;
  auto failed = update_reply(kCompleted);
  to_failure_proto(ApplicationError("the cart is closed", {.type = "Closed"}),
                   failed.mutable_outcome()->mutable_failure());
  server.answers["UpdateWorkflowExecution"] = {answer(failed), answer(failed)};
  const auto cart = server.started();
  const auto failure =
      thrown<UpdateFailedError>([&] { (void)cart.update<&Cart::add>({.id = "u1"}, "tea"); });
  CHECK(failure.message() == "update 'u1' of workflow 'c1' failed: the cart is closed");
  const auto* cause = dynamic_cast<const ApplicationError*>(failure.cause().get());
  REQUIRE(cause);
  CHECK(cause->type() == "Closed");
  const auto update = cart.start_update<&Cart::add>({}, "tea");
  CHECK_THROWS_AS((void)update.result(), UpdateFailedError);
}

TEST_CASE("D014 an update that takes longer than its caller has time may be asked for again") {
  Server server;
  server.answers["UpdateWorkflowExecution"] = {Answer{grpc::Status::OK, {}, true}};
  server.answers["PollWorkflowExecutionUpdate"] = {
      Answer{grpc::Status::OK, {}, true},
      answer(succeeded(ws::PollWorkflowExecutionUpdateResponse(), 5))};
  const auto cart = server.started();
  const auto late = thrown<UpdateTimeoutError>(
      [&] { (void)cart.update<int>("add", {.id = "u1", .timeout = 50ms}, "tea"); });
  CHECK(says(late, "update 'u1' of workflow 'c1' was not done within 0.05 s"));
  const auto update = cart.update_handle<&Cart::add>("u1");
  CHECK_THROWS_AS((void)update.result(50ms), UpdateTimeoutError);
  CHECK(update.result(1h) == 5);
}

TEST_CASE("C006 a workflow is cancelled and terminated, but never another one of its id") {
  Server server;
  const auto cart = server.started();
  cart.cancel("no stock");
  cart.terminate("too late", 7, std::string("x"));
  const auto cancel =
      server.request<ws::RequestCancelWorkflowExecutionRequest>("RequestCancelWorkflowExecution");
  CHECK(cancel.workflow_execution().workflow_id() == "c1");
  CHECK(cancel.workflow_execution().run_id().empty());
  CHECK(cancel.first_execution_run_id() == "first");
  CHECK(cancel.reason() == "no stock");
  CHECK(cancel.request_id().size() == 36);
  const auto terminate =
      server.request<ws::TerminateWorkflowExecutionRequest>("TerminateWorkflowExecution");
  CHECK(terminate.first_execution_run_id() == "first");
  CHECK(terminate.reason() == "too late");
  CHECK(terminate.identity() == "me");
  CHECK(from_proto(terminate.details()) == Payloads{to_payload(7), to_payload("x")});
}

TEST_CASE("C006 a description says what the server knows") {
  Server server;
  ws::DescribeWorkflowExecutionResponse response;
  auto* info = response.mutable_workflow_execution_info();
  info->mutable_execution()->set_workflow_id("c1");
  info->mutable_execution()->set_run_id("r2");
  info->set_first_run_id("r1");
  info->mutable_type()->set_name("Cart");
  info->set_task_queue("q");
  info->set_status(enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  info->mutable_start_time()->set_seconds(1'700'000'000);
  info->set_history_length(12);
  to_proto(to_payload("gift"), &(*info->mutable_memo()->mutable_fields())["kind"]);
  to_proto(KeywordKey{"Customer"}.set("ann").value(),
           &(*info->mutable_search_attributes()->mutable_indexed_fields())["Customer"]);
  auto closed = response;
  closed.mutable_workflow_execution_info()->mutable_close_time()->set_seconds(1'700'000'009);
  server.answers["DescribeWorkflowExecution"] = {answer(response), answer(closed)};
  const auto cart = server.client.handle<Cart>("c1");
  const auto now = cart.describe();
  CHECK(now.id == "c1");
  CHECK(now.run_id == "r2");
  CHECK(now.first_run_id == "r1");
  CHECK(now.type == "Cart");
  CHECK(now.task_queue == "q");
  CHECK(now.status == WorkflowStatus::running);
  CHECK(now.start_time == Time(1'700'000'000s));
  CHECK_FALSE(now.close_time);
  CHECK(now.history_length == 12);
  CHECK(now.memo.get<std::string>("kind") == "gift");
  CHECK(now.search_attributes.get(KeywordKey{"Customer"}) == "ann");
  CHECK(cart.describe().close_time == Time(1'700'000'009s));
}

TEST_CASE("C006 histories and lists are fetched to their last page") {
  Server server;
  ws::GetWorkflowExecutionHistoryResponse page;
  page.mutable_history()->add_events()->set_event_id(1);
  page.set_next_page_token("more");
  auto last = page;
  last.clear_next_page_token();
  server.answers["GetWorkflowExecutionHistory"] = {answer(page), answer(last)};
  CHECK(server.client.handle("c1").fetch_history().size() == 2);
  CHECK(server.request<ws::GetWorkflowExecutionHistoryRequest>("GetWorkflowExecutionHistory", 1)
            .next_page_token() == "more");

  ws::ListWorkflowExecutionsResponse found;
  for (const auto* id : {"a", "b"})
    found.add_executions()->mutable_execution()->set_workflow_id(id);
  found.set_next_page_token("more");
  server.answers["ListWorkflowExecutions"] = {answer(found), answer(found)};
  const auto list = server.client.list("WorkflowType = 'Cart'", 3);
  REQUIRE(list.size() == 3);
  CHECK(list[2].id == "a");
  const auto request =
      server.request<ws::ListWorkflowExecutionsRequest>("ListWorkflowExecutions", 1);
  CHECK(request.query() == "WorkflowType = 'Cart'");
  CHECK(request.next_page_token() == "more");
  CHECK(request.page_size() == 1);
}

TEST_CASE("C012 what is not there is told from what is over, and from a namespace that is not") {
  Server server;
  server.answers["SignalWorkflowExecution"] = {
      refusal(grpc::StatusCode::NOT_FOUND, "workflow not found for ID: c9"),
      refusal(grpc::StatusCode::NOT_FOUND, "workflow execution already completed"),
      refusal(grpc::StatusCode::NOT_FOUND, "Namespace shop is not found.",
              details::NamespaceNotFoundFailure()),
      refusal(grpc::StatusCode::PERMISSION_DENIED, "not you")};
  const auto cart = server.client.handle<Cart>("c9", "r1");
  const auto signal = [&] { cart.signal<&Cart::check_out>(); };
  CHECK(says(thrown<WorkflowNotFoundError>(signal),
             "there is no workflow 'c9', run 'r1', in namespace 'shop'"));
  CHECK(says(thrown<WorkflowNotFoundError>(signal), "is over"));
  for (const auto* part : {"Namespace shop", "not you"}) {
    const auto error = thrown<ClientError>(signal);
    CHECK(says(error, part));
    CHECK(typeid(error) == typeid(ClientError));
  }
  server.answers["PollWorkflowExecutionUpdate"] = {
      refusal(grpc::StatusCode::NOT_FOUND, "update \"u1\" not found")};
  CHECK(says(thrown<WorkflowNotFoundError>([&] { (void)cart.update_handle<int>("u1").result(); }),
             "there is no update 'u1' of workflow 'c9'"));
}

TEST_CASE("C012 a start that meets a run of its id says which run") {
  Server server;
  details::WorkflowExecutionAlreadyStartedFailure started;
  started.set_run_id("r8");
  server.answers["StartWorkflowExecution"] = {
      refusal(grpc::StatusCode::ALREADY_EXISTS, "in use", started)};
  CHECK(says(thrown<WorkflowAlreadyStartedError>(
                 [&] { (void)server.client.start<Cart>({.id = "c1", .task_queue = "q"}, "ann"); }),
             "'c1' is in use by run r8"));
}
