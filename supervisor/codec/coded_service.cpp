// SPDX-License-Identifier: MIT
#include "supervisor/codec/coded_service.hpp"

#include <optional>
#include <string>

#include "shared/failure_proto.hpp"
#include "temporal/errors.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

namespace {

api::failure::v1::Failure failure_of(const std::string& why) {
  api::failure::v1::Failure failure;
  to_failure_proto(ApplicationError(why, {.type = "CodecError"}), &failure);
  return failure;
}

void fill_failed(ws::RespondQueryTaskCompletedRequest& answer, const std::string& why) {
  answer.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
  answer.clear_query_result();
  answer.set_error_message(why);
  *answer.mutable_failure() = failure_of(why);
}

// Nothing: it went well.
asio::awaitable<std::optional<std::string>> fault_of(asio::awaitable<void> coding) {
  try {
    co_await std::move(coding);
  } catch (const CodecError& error) {
    co_return error.what();
  }
  co_return std::nullopt;
}

asio::awaitable<void> encode(Coder& coder, google::protobuf::Message& request, const char* method) {
  try {
    co_await coder.encode(request);
  } catch (const CodecError& error) {
    throw EncodeError(method, error.what());
  }
}

template <class Response, class Call, class Request>
asio::awaitable<Response> pass(Coder& coder, Call call, const char* name, Request request) {
  co_await encode(coder, request, name);
  auto response = co_await call(std::move(request));
  try {
    co_await coder.decode(response);
  } catch (const CodecError& error) {
    throw RpcError(RpcCode::internal, name, error.what(), {});
  }
  co_return response;
}

}  // namespace

#define TEMPORAL_RPC(name, Name)                                                            \
  asio::awaitable<ws::Name##Response> CodedClientService::name(ws::Name##Request request) { \
    const auto call = [this](ws::Name##Request r) { return server_.name(std::move(r)); };   \
    co_return co_await pass<ws::Name##Response>(coder_, call, #Name, std::move(request));   \
  }
TEMPORAL_WORKER_RPCS(TEMPORAL_RPC)
TEMPORAL_CLIENT_RPCS(TEMPORAL_RPC)
#undef TEMPORAL_RPC

#define TEMPORAL_RPC(name, Name)                                                            \
  asio::awaitable<ws::Name##Response> CodedWorkerService::name(ws::Name##Request request) { \
    const auto call = [this](ws::Name##Request r) { return server_.name(std::move(r)); };   \
    co_return co_await pass<ws::Name##Response>(coder_, call, #Name, std::move(request));   \
  }
TEMPORAL_RPC(get_system_info, GetSystemInfo)
TEMPORAL_RPC(describe_namespace, DescribeNamespace)
TEMPORAL_RPC(get_workflow_execution_history, GetWorkflowExecutionHistory)
TEMPORAL_RPC(describe_workflow_execution, DescribeWorkflowExecution)
TEMPORAL_RPC(signal_workflow_execution, SignalWorkflowExecution)
TEMPORAL_RPC(request_cancel_workflow_execution, RequestCancelWorkflowExecution)
TEMPORAL_RPC(terminate_workflow_execution, TerminateWorkflowExecution)
TEMPORAL_RPC(record_activity_task_heartbeat, RecordActivityTaskHeartbeat)
TEMPORAL_RPC(shutdown_worker, ShutdownWorker)
TEMPORAL_RPC(start_workflow_execution, StartWorkflowExecution)
#undef TEMPORAL_RPC

asio::awaitable<ws::PollWorkflowTaskQueueResponse> CodedWorkerService::poll_workflow_task_queue(
    ws::PollWorkflowTaskQueueRequest request) {
  remember(request);
  co_return co_await server_.poll_workflow_task_queue(std::move(request));
}

asio::awaitable<ws::PollActivityTaskQueueResponse> CodedWorkerService::poll_activity_task_queue(
    ws::PollActivityTaskQueueRequest request) {
  remember(request);
  co_return co_await server_.poll_activity_task_queue(std::move(request));
}

asio::awaitable<ws::RespondWorkflowTaskCompletedResponse>
CodedWorkerService::respond_workflow_task_completed(
    ws::RespondWorkflowTaskCompletedRequest request) {
  co_await encode(coder_, request, "RespondWorkflowTaskCompleted");
  co_return co_await server_.respond_workflow_task_completed(std::move(request));
}

asio::awaitable<ws::RespondActivityTaskCompletedResponse>
CodedWorkerService::respond_activity_task_completed(
    ws::RespondActivityTaskCompletedRequest request) {
  const auto token = request.task_token();
  const auto fault = co_await fault_of(coder_.encode(request));
  if (!fault) co_return co_await server_.respond_activity_task_completed(std::move(request));
  log_.error("an activity fails: its result cannot be encoded", {{"error", *fault}});
  co_await fail_activity(token, *fault);
  co_return ws::RespondActivityTaskCompletedResponse();
}

// What says how a task ended without a result says so in any case, if need be without the user's details.

asio::awaitable<ws::RespondActivityTaskFailedResponse>
CodedWorkerService::respond_activity_task_failed(ws::RespondActivityTaskFailedRequest request) {
  const auto fault = co_await fault_of(coder_.encode(request));
  if (fault) {
    *request.mutable_failure() = failure_of(*fault);
    request.clear_last_heartbeat_details();
  }
  co_return co_await server_.respond_activity_task_failed(std::move(request));
}

asio::awaitable<ws::RespondActivityTaskCanceledResponse>
CodedWorkerService::respond_activity_task_canceled(ws::RespondActivityTaskCanceledRequest request) {
  const auto fault = co_await fault_of(coder_.encode(request));
  if (fault) request.clear_details();
  co_return co_await server_.respond_activity_task_canceled(std::move(request));
}

asio::awaitable<ws::RespondWorkflowTaskFailedResponse>
CodedWorkerService::respond_workflow_task_failed(ws::RespondWorkflowTaskFailedRequest request) {
  const auto fault = co_await fault_of(coder_.encode(request));
  if (fault) *request.mutable_failure() = failure_of(*fault);
  co_return co_await server_.respond_workflow_task_failed(std::move(request));
}

asio::awaitable<ws::RespondQueryTaskCompletedResponse>
CodedWorkerService::respond_query_task_completed(ws::RespondQueryTaskCompletedRequest request) {
  const auto fault = co_await fault_of(coder_.encode(request));
  if (fault) fill_failed(request, *fault);
  co_return co_await server_.respond_query_task_completed(std::move(request));
}

asio::awaitable<bool> CodedWorkerService::open(ws::PollWorkflowTaskQueueResponse& task) {
  const auto token = task.task_token();
  const auto fault = co_await fault_of(coder_.decode(task));
  if (!fault) co_return true;
  const bool asks = task.has_query(), again = task.attempt() > 1;
  log_.error("a workflow task fails: its payloads cannot be decoded",
             {{"workflow_type", task.workflow_type().name()},
              {"workflow_id", task.workflow_execution().workflow_id()},
              {"run_id", task.workflow_execution().run_id()},
              {"error", *fault}});
  if (asks)
    co_await fail_query(token, *fault);
  else if (!again)  // of later attempts the server waits longer if it hears nothing
    co_await fail_workflow_task(token, *fault);
  co_return false;
}

asio::awaitable<bool> CodedWorkerService::open(ws::PollActivityTaskQueueResponse& task) {
  const auto token = task.task_token();
  const auto fault = co_await fault_of(coder_.decode(task));
  if (!fault) co_return true;
  log_.error("an activity fails: its payloads cannot be decoded",
             {{"activity_type", task.activity_type().name()},
              {"activity_id", task.activity_id()},
              {"workflow_id", task.workflow_execution().workflow_id()},
              {"run_id", task.workflow_execution().run_id()},
              {"error", *fault}});
  co_await fail_activity(token, *fault);
  co_return false;
}

asio::awaitable<void> CodedWorkerService::fail_query(const std::string& token,
                                                     const std::string& why) {
  ws::RespondQueryTaskCompletedRequest answer;
  answer.set_task_token(token);
  answer.set_namespace_(teller_.name_space);
  fill_failed(answer, why);
  try {
    co_await server_.respond_query_task_completed(std::move(answer));
  } catch (const RpcError& error) {
    not_told(error);
  }
}

asio::awaitable<void> CodedWorkerService::fail_workflow_task(const std::string& token,
                                                             const std::string& why) {
  ws::RespondWorkflowTaskFailedRequest request;
  request.set_task_token(token);
  request.set_namespace_(teller_.name_space);
  request.set_identity(teller_.identity);
  *request.mutable_deployment_options() = teller_.deployment;
  request.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
  *request.mutable_failure() = failure_of(why);
  try {
    co_await server_.respond_workflow_task_failed(std::move(request));
  } catch (const RpcError& error) {
    not_told(error);
  }
}

asio::awaitable<void> CodedWorkerService::fail_activity(const std::string& token,
                                                        const std::string& why) {
  ws::RespondActivityTaskFailedRequest request;
  request.set_task_token(token);
  request.set_namespace_(teller_.name_space);
  request.set_identity(teller_.identity);
  *request.mutable_deployment_options() = teller_.deployment;
  *request.mutable_failure() = failure_of(why);
  try {
    co_await server_.respond_activity_task_failed(std::move(request));
  } catch (const RpcError& error) {
    not_told(error);
  }
}

// It times out, and is tried again.
void CodedWorkerService::not_told(const RpcError& error) {
  log_.debug("the server did not take the failure of a task", {{"error", error.what()}});
}

}  // namespace temporal::supervisor
