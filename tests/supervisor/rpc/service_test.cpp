// SPDX-License-Identifier: MIT
// The service's rules against a peer that misbehaves; then the whole against a real server.
#include <doctest/doctest.h>
#include <google/rpc/status.pb.h>
#include <temporal/api/errordetails/v1/message.pb.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "supervisor/rpc/grpc_service.hpp"
#include "tests/fake_server/recording_log.hpp"
#include "tests/supervisor/rpc/peer.hpp"
#include "tests/supervisor/rpc/run.hpp"
#include "tests/support/dev_server.hpp"

namespace temporal::supervisor {

namespace asio = boost::asio;
namespace v1 = api::workflowservice::v1;
using namespace std::chrono_literals;
using test::Answer;
using test::Peer;
using test::Question;

namespace {

// As the defaults, a thousand times faster.
ServiceOptions quick() {
  ServiceOptions options;
  options.retry.unary = {1ms, 1.7, 5ms};
  options.retry.poll = {1ms, 2.0, 5ms};
  options.retry.throttled = {1ms, 2.0, 10ms};
  options.retry.unary_elapsed = 10min;
  return options;
}

Answer failure(grpc::StatusCode code) { return {grpc::Status(code, "not now"), {}}; }

template <class T>
T with_service(const std::string& address, ServiceOptions options,
               const std::function<asio::awaitable<T>(GrpcService&)>& use) {
  asio::io_context loop;
  Connection connection({.address = address});
  GrpcService service(connection, options);
  return test::run(loop, use(service));
}

v1::PollWorkflowTaskQueueRequest poll_request() {
  v1::PollWorkflowTaskQueueRequest request;
  request.set_namespace_("default");
  request.mutable_task_queue()->set_name("queue");
  return request;
}

test::DevServer& dev_server() {
  static test::DevServer server;
  return server;
}

}  // namespace

TEST_CASE("a unary call is tried until the server recovers") {
  int tries = 0;
  Peer peer([&](const Question&) {
    if (++tries < 4) return failure(grpc::StatusCode::UNAVAILABLE);
    v1::DescribeNamespaceResponse response;
    response.mutable_namespace_info()->set_name("default");
    return Answer{{}, response.SerializeAsString()};
  });
  test::RecordingLog log;
  auto options = quick();
  options.log = &log;
  const auto reply = with_service<v1::DescribeNamespaceResponse>(
      peer.address(), options, [](GrpcService& s) { return s.describe_namespace({}); });
  CHECK(reply.namespace_info().name() == "default");
  CHECK(tries == 4);
  REQUIRE(log.lines.size() == 3);
  CHECK(log.lines[0].level == LogLevel::debug);
  CHECK(log.lines[0].fields["method"] == "DescribeNamespace");
  CHECK(log.lines[0].fields["error"] == "not now");
}

TEST_CASE("E021 what is reported of an activity is tried until the server recovers") {
  int tries = 0;
  Peer peer([&](const Question&) {
    return ++tries % 3 != 0 ? failure(grpc::StatusCode::UNAVAILABLE) : Answer{};
  });
  with_service<int>(peer.address(), quick(), [](GrpcService& service) -> asio::awaitable<int> {
    v1::RespondActivityTaskCompletedRequest completed;
    v1::RespondActivityTaskFailedRequest failed;
    v1::RespondActivityTaskCanceledRequest canceled;
    co_await service.respond_activity_task_completed(completed);
    co_await service.respond_activity_task_failed(failed);
    co_await service.respond_activity_task_canceled(canceled);
    co_return 0;
  });
  CHECK(tries == 9);
}

TEST_CASE("K019 each try is told of: its method, its code, and that a poll was a poll") {
  int tries = 0;
  Peer peer([&](const Question&) {
    ++tries;
    return failure(tries == 1 ? grpc::StatusCode::UNAVAILABLE
                              : grpc::StatusCode::DEADLINE_EXCEEDED);
  });
  std::vector<std::string> told;
  auto options = quick();
  options.on_try = [&](std::string_view method, CallKind kind, const CallResult& result,
                       std::chrono::nanoseconds took) {
    CHECK(kind == CallKind::poll);
    CHECK(took.count() > 0);
    told.push_back(std::string(method) + " " + std::string(name_of(result.code)));
  };
  with_service<v1::PollWorkflowTaskQueueResponse>(peer.address(), options, [](GrpcService& s) {
    return s.poll_workflow_task_queue(poll_request());
  });
  CHECK(told == std::vector<std::string>{"PollWorkflowTaskQueue UNAVAILABLE",
                                         "PollWorkflowTaskQueue DEADLINE_EXCEEDED"});
}

TEST_CASE("a unary call gives up after ten tries, and says what failed") {
  int tries = 0;
  Peer peer([&](const Question&) {
    ++tries;
    return failure(grpc::StatusCode::UNAVAILABLE);
  });
  try {
    with_service<v1::DescribeNamespaceResponse>(
        peer.address(), quick(), [](GrpcService& s) { return s.describe_namespace({}); });
    FAIL("it did not throw");
  } catch (const RpcError& error) {
    CHECK(error.code() == RpcCode::unavailable);
    CHECK(std::string(error.what()) == "DescribeNamespace: not now");
  }
  CHECK(tries == 10);
}

TEST_CASE("a poll that ends at its deadline is an empty poll") {
  Peer peer([](const Question&) { return Answer{{}, {}, true}; });
  auto options = quick();
  options.long_poll_deadline = 50ms;
  const auto reply = with_service<v1::PollWorkflowTaskQueueResponse>(
      peer.address(), options,
      [](GrpcService& s) { return s.poll_workflow_task_queue(poll_request()); });
  CHECK(reply.task_token().empty());
}

TEST_CASE("a poll that the server cancels is an empty poll") {
  Peer peer([](const Question&) { return failure(grpc::StatusCode::CANCELLED); });
  const auto reply = with_service<v1::PollWorkflowTaskQueueResponse>(
      peer.address(), quick(),
      [](GrpcService& s) { return s.poll_workflow_task_queue(poll_request()); });
  CHECK(reply.task_token().empty());
}

TEST_CASE("a poll outlives more failures than a unary call") {
  int tries = 0;
  Peer peer([&](const Question&) {
    if (++tries <= 30)
      return failure(tries % 2 ? grpc::StatusCode::UNAVAILABLE : grpc::StatusCode::NOT_FOUND);
    v1::PollWorkflowTaskQueueResponse response;
    response.set_task_token("token");
    return Answer{{}, response.SerializeAsString()};
  });
  const auto reply = with_service<v1::PollWorkflowTaskQueueResponse>(
      peer.address(), quick(),
      [](GrpcService& s) { return s.poll_workflow_task_queue(poll_request()); });
  CHECK(reply.task_token() == "token");
}

TEST_CASE("the last call of a worker is tried once") {
  int tries = 0;
  Peer peer([&](const Question&) {
    ++tries;
    return failure(grpc::StatusCode::UNAVAILABLE);
  });
  CHECK_THROWS_AS(
      with_service<v1::ShutdownWorkerResponse>(
          peer.address(), quick(), [](GrpcService& s) { return s.shutdown_worker({}); }),
      RpcError);
  CHECK(tries == 1);
}

TEST_CASE("a server that is away is asked again until the stated time is over") {
  const auto address = "127.0.0.1:" + std::to_string(test::free_port());
  try {
    with_service<v1::GetSystemInfoResponse>(address, {},
                                            [](GrpcService& s) { return s.connect(500ms); });
    FAIL("it did not throw");
  } catch (const ConnectError& error) {
    const std::string said = error.what();
    CAPTURE(said);
    CHECK(said ==
          "no Temporal server answered at " + address + " within 0.5 s: Connection refused");
  }
}

TEST_CASE("a server that refuses is not asked again") {
  int tries = 0;
  Peer peer([&](const Question&) {
    ++tries;
    return failure(grpc::StatusCode::UNAUTHENTICATED);
  });
  CHECK_THROWS_AS(with_service<v1::GetSystemInfoResponse>(
                      peer.address(), {}, [](GrpcService& s) { return s.connect(30s); }),
                  ConnectError);
  CHECK(tries == 1);
}

TEST_CASE("a server too old for GetSystemInfo has no capabilities") {
  Peer peer([](const Question&) { return failure(grpc::StatusCode::UNIMPLEMENTED); });
  const auto info = with_service<v1::GetSystemInfoResponse>(
      peer.address(), {}, [](GrpcService& s) { return s.connect(30s); });
  CHECK_FALSE(info.capabilities().sdk_metadata());
}

TEST_CASE("a real server tells its capabilities and describes its namespace") {
  const auto info = with_service<v1::GetSystemInfoResponse>(
      dev_server().address(), {}, [](GrpcService& s) { return s.connect(30s); });
  CHECK(info.capabilities().sdk_metadata());
  v1::DescribeNamespaceRequest request;
  request.set_namespace_("default");
  const auto described = with_service<v1::DescribeNamespaceResponse>(
      dev_server().address(), {}, [&](GrpcService& s) { return s.describe_namespace(request); });
  CHECK(described.namespace_info().name() == "default");
}

TEST_CASE("a workflow is started on a real server, its task polled, and it is terminated") {
  v1::StartWorkflowExecutionRequest start;
  start.set_namespace_("default");
  start.set_workflow_id("rpc-test");
  start.set_request_id("request-1");
  start.mutable_workflow_type()->set_name("SayHello");
  start.mutable_task_queue()->set_name("queue");
  const auto scenario =
      [&](GrpcService& service) -> asio::awaitable<v1::GetWorkflowExecutionHistoryResponse> {
    const auto started = co_await service.start_workflow_execution(start);
    CHECK_FALSE(started.run_id().empty());
    auto poll = poll_request();
    const auto task = co_await service.poll_workflow_task_queue(poll);
    CHECK(task.workflow_execution().run_id() == started.run_id());
    CHECK_FALSE(task.task_token().empty());
    v1::TerminateWorkflowExecutionRequest terminate;
    terminate.set_namespace_("default");
    terminate.mutable_workflow_execution()->set_workflow_id("rpc-test");
    co_await service.terminate_workflow_execution(terminate);
    v1::GetWorkflowExecutionHistoryRequest get;
    get.set_namespace_("default");
    *get.mutable_execution() = task.workflow_execution();
    get.set_wait_new_event(true);
    get.set_history_event_filter_type(api::enums::v1::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
    co_return co_await service.get_workflow_execution_history(get);
  };
  const auto history =
      with_service<v1::GetWorkflowExecutionHistoryResponse>(dev_server().address(), {}, scenario)
          .history();
  REQUIRE(history.events_size() == 1);
  CHECK(history.events(0).event_type() == api::enums::v1::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
}

TEST_CASE("a history that comes as it is stored is opened, and what is no history is refused") {
  std::string stored;
  Peer peer([&](const Question&) {
    v1::GetWorkflowExecutionHistoryResponse page;
    page.mutable_history()->add_events()->set_event_id(1);
    page.add_raw_history()->set_data(stored);
    return Answer{{}, page.SerializeAsString()};
  });
  const auto fetch = [&] {
    return with_service<v1::GetWorkflowExecutionHistoryResponse>(
        peer.address(), {}, [](GrpcService& service) {
          return service.get_workflow_execution_history(v1::GetWorkflowExecutionHistoryRequest());
        });
  };
  api::history::v1::History rest;
  rest.add_events()->set_event_id(2);
  rest.add_events()->set_event_id(3);
  stored = rest.SerializeAsString();
  const auto page = fetch();
  REQUIRE(page.history().events_size() == 3);
  CHECK(page.history().events(2).event_id() == 3);
  CHECK(page.raw_history().empty());
  stored = "no events";
  CHECK_THROWS_AS(fetch(), RpcError);
}

TEST_CASE("an error of a real server comes with details that name what runs already") {
  v1::StartWorkflowExecutionRequest start;
  start.set_namespace_("default");
  start.set_workflow_id("rpc-test-twice");
  start.mutable_workflow_type()->set_name("SayHello");
  start.mutable_task_queue()->set_name("queue-of-nobody");
  const auto scenario = [&](GrpcService& service) -> asio::awaitable<std::string> {
    start.set_request_id("request-1");
    const auto first = co_await service.start_workflow_execution(start);
    start.set_request_id("request-2");
    try {
      co_await service.start_workflow_execution(start);
    } catch (const RpcError& error) {
      CHECK(error.code() == RpcCode::already_exists);
      google::rpc::Status status;
      CHECK(status.ParseFromString(error.details()));
      api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure failure;
      REQUIRE(status.details_size() == 1);
      CHECK(status.details(0).UnpackTo(&failure));
      CHECK(failure.run_id() == first.run_id());
      co_return error.what();
    }
    co_return "";
  };
  CHECK(with_service<std::string>(dev_server().address(), {}, scenario) != "");
}

TEST_CASE("a namespace that does not exist is named in the error") {
  v1::DescribeNamespaceRequest request;
  request.set_namespace_("nowhere");
  try {
    with_service<v1::DescribeNamespaceResponse>(
        dev_server().address(), {}, [&](GrpcService& s) { return s.describe_namespace(request); });
    FAIL("it did not throw");
  } catch (const RpcError& error) {
    CHECK(error.code() == RpcCode::not_found);
    CHECK(std::string(error.what()).find("nowhere") != std::string::npos);
  }
}

}  // namespace temporal::supervisor
