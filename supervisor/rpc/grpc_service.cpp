// SPDX-License-Identifier: MIT
#include "supervisor/rpc/grpc_service.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>

namespace temporal::supervisor {

namespace asio = boost::asio;
namespace v1 = api::workflowservice::v1;
using google::protobuf::MessageLite;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr const char* kService = "/temporal.api.workflowservice.v1.WorkflowService/";

milliseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

asio::awaitable<void> pause(milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

// gRPC tells the whole chain down to the socket; its last link says what happened.
std::string cause(const CallResult& result) {
  const auto colon = result.message.rfind(": ");
  return colon == std::string::npos ? result.message : result.message.substr(colon + 2);
}

std::string seconds(milliseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g s", double(time.count()) / 1000);
  return text.data();
}

std::string name_of(const CallOptions& options) {
  return options.method.substr(options.method.rfind('/') + 1);
}

RpcError error_of(const CallOptions& options, const CallResult& result) {
  return {result.code, name_of(options), result.message, result.details};
}

// Some servers hand out events as they are stored; nobody above is to care.
void open_raw(v1::GetWorkflowExecutionHistoryResponse& page) {
  for (const auto& blob : page.raw_history())
    if (!page.mutable_history()->MergeFromString(blob.data()))
      throw RpcError(RpcCode::data_loss, "GetWorkflowExecutionHistory",
                     "a page of the history is no list of events", {});
  page.clear_raw_history();
}

template <class Request>
std::string namespace_of(const Request& request) {
  if constexpr (requires { request.namespace_(); }) return request.namespace_();
  return {};
}

}  // namespace

GrpcService::GrpcService(Connection& connection, ServiceOptions options)
    : connection_(connection),
      options_(std::move(options)),
      outages_(options_.log),
      random_(std::random_device{}()) {}

asio::awaitable<CallResult> GrpcService::try_once(const CallOptions& options, CallKind kind,
                                                  const MessageLite& request,
                                                  MessageLite& response) {
  const auto start = steady_clock::now();
  auto result = co_await call(connection_, options, request, response);
  if (options_.on_try) options_.on_try(name_of(options), kind, result, steady_clock::now() - start);
  co_return result;
}

asio::awaitable<bool> GrpcService::run(const CallOptions& options, CallKind kind,
                                       const MessageLite& request, MessageLite& response) {
  Retry retry(kind, options_.retry,
              [this] { return std::uniform_real_distribution<double>(-1, 1)(random_); });
  const auto start = steady_clock::now();
  for (;;) {
    const auto result = co_await try_once(options, kind, request, response);
    const bool empty = kind == CallKind::poll && is_empty_poll(result);
    if (result.ok() || empty) {
      outages_.answered(name_of(options), steady_clock::now());
      co_return result.ok();
    }
    const auto wait = retry.after(result, since(start));
    if (!wait) {
      outages_.gave_up(name_of(options));
      throw error_of(options, result);
    }
    outages_.failed(name_of(options), result, *wait, steady_clock::now());
    co_await pause(*wait);
  }
}

template <class Response, class Request>
asio::awaitable<Response> GrpcService::send(const char* name, CallKind kind,
                                            const Request& request) {
  CallOptions options;
  options.method = std::string(kService) + name;
  options.name_space = namespace_of(request);
  options.lane = kind == CallKind::unary ? Lane::unary : Lane::long_poll;
  options.deadline = kind == CallKind::unary ? options_.deadline : options_.long_poll_deadline;
  Response response;
  const bool answered = co_await run(options, kind, request, response);
  if (!answered) response.Clear();
  co_return response;
}

asio::awaitable<v1::GetSystemInfoResponse> GrpcService::connect(milliseconds within) {
  const auto start = steady_clock::now();
  const v1::GetSystemInfoRequest request;
  v1::GetSystemInfoResponse response;
  CallOptions options;
  options.method = std::string(kService) + "GetSystemInfo";
  for (int attempt = 1;; ++attempt) {
    options.deadline = std::clamp(within - since(start), milliseconds{1}, options_.deadline);
    const auto result = co_await try_once(options, CallKind::unary, request, response);
    if (result.ok() || result.code == RpcCode::unimplemented) break;
    const bool may_come = is_retryable(result, true) || result.code == RpcCode::deadline_exceeded;
    if (!may_come)
      throw ConnectError("the server at " + connection_.address() +
                         " refused the connection: " + result.message);
    const auto wait = options_.retry.unary.wait(attempt, 0);
    if (since(start) + wait >= within)
      throw ConnectError("no Temporal server answered at " + connection_.address() + " within " +
                         seconds(within) + ": " + cause(result));
    co_await pause(wait);
  }
  options_.retry.internal_error_differentiation =
      response.capabilities().internal_error_differentiation();
  co_return response;
}

asio::awaitable<v1::GetWorkflowExecutionHistoryResponse>
GrpcService::get_workflow_execution_history(v1::GetWorkflowExecutionHistoryRequest request) {
  const auto kind = request.wait_new_event() ? CallKind::wait : CallKind::unary;
  auto page = co_await send<v1::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory",
                                                                     kind, request);
  open_raw(page);
  co_return page;
}

// The last call of a worker: nobody waits for a server that is slow now.
asio::awaitable<v1::ShutdownWorkerResponse> GrpcService::shutdown_worker(
    v1::ShutdownWorkerRequest request) {
  CallOptions options;
  options.method = std::string(kService) + "ShutdownWorker";
  options.name_space = request.namespace_();
  options.deadline = options_.shutdown_deadline;
  v1::ShutdownWorkerResponse response;
  const auto result = co_await try_once(options, CallKind::unary, request, response);
  if (!result.ok()) throw error_of(options, result);
  co_return response;
}

#define TEMPORAL_RPC(name, Name, kind)                                               \
  asio::awaitable<v1::Name##Response> GrpcService::name(v1::Name##Request request) { \
    co_return co_await send<v1::Name##Response>(#Name, CallKind::kind, request);     \
  }

TEMPORAL_RPC(get_system_info, GetSystemInfo, unary)
TEMPORAL_RPC(describe_namespace, DescribeNamespace, unary)
TEMPORAL_RPC(start_workflow_execution, StartWorkflowExecution, unary)
TEMPORAL_RPC(describe_workflow_execution, DescribeWorkflowExecution, unary)
TEMPORAL_RPC(signal_workflow_execution, SignalWorkflowExecution, unary)
TEMPORAL_RPC(signal_with_start_workflow_execution, SignalWithStartWorkflowExecution, unary)
TEMPORAL_RPC(query_workflow, QueryWorkflow, wait)
TEMPORAL_RPC(update_workflow_execution, UpdateWorkflowExecution, wait)
TEMPORAL_RPC(poll_workflow_execution_update, PollWorkflowExecutionUpdate, wait)
TEMPORAL_RPC(list_workflow_executions, ListWorkflowExecutions, unary)
TEMPORAL_RPC(request_cancel_workflow_execution, RequestCancelWorkflowExecution, unary)
TEMPORAL_RPC(terminate_workflow_execution, TerminateWorkflowExecution, unary)
TEMPORAL_RPC(poll_workflow_task_queue, PollWorkflowTaskQueue, poll)
TEMPORAL_RPC(respond_workflow_task_completed, RespondWorkflowTaskCompleted, unary)
TEMPORAL_RPC(respond_workflow_task_failed, RespondWorkflowTaskFailed, unary)
TEMPORAL_RPC(respond_query_task_completed, RespondQueryTaskCompleted, unary)
TEMPORAL_RPC(poll_activity_task_queue, PollActivityTaskQueue, poll)
TEMPORAL_RPC(respond_activity_task_completed, RespondActivityTaskCompleted, unary)
TEMPORAL_RPC(respond_activity_task_failed, RespondActivityTaskFailed, unary)
TEMPORAL_RPC(respond_activity_task_canceled, RespondActivityTaskCanceled, unary)
TEMPORAL_RPC(record_activity_task_heartbeat, RecordActivityTaskHeartbeat, unary)

#undef TEMPORAL_RPC

}  // namespace temporal::supervisor
