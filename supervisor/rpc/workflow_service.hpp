// SPDX-License-Identifier: MIT
// The dozen RPCs we use, as an interface: the real one talks gRPC (grpc_service), tests put a fake
// in its place.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace temporal::supervisor {

/// Status codes as gRPC numbers them; here so that nobody else needs its headers.
enum class RpcCode : int {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};

/// A call that failed, after its retries.
class RpcError : public std::runtime_error {
 public:
  RpcError(RpcCode code, std::string method, const std::string& message, std::string details)
      : std::runtime_error(method + ": " + message),
        code_(code),
        method_(std::move(method)),
        details_(std::move(details)) {}
  [[nodiscard]] RpcCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& method() const noexcept { return method_; }
  /// grpc-status-details-bin: a serialized google.rpc.Status, or empty.
  [[nodiscard]] const std::string& details() const noexcept { return details_; }

 private:
  RpcCode code_;
  std::string method_;
  std::string details_;
};

/// Every call throws RpcError after its retries are spent, and
/// boost::system::system_error(operation_aborted) when the awaiting coroutine is cancelled. Polls
/// return an empty reply (no task token) when the long poll ended without a task; their own
/// transient errors are retried inside, for ever. Thread rule: awaited on the core loop.
class WorkflowService {
 public:
  template <class T>
  using awaitable = boost::asio::awaitable<T>;

  virtual ~WorkflowService() = default;

#define TEMPORAL_RPC(name, Name)                                    \
  virtual awaitable<api::workflowservice::v1::Name##Response> name( \
      api::workflowservice::v1::Name##Request request) = 0;

  TEMPORAL_RPC(get_system_info, GetSystemInfo)
  TEMPORAL_RPC(describe_namespace, DescribeNamespace)
  TEMPORAL_RPC(start_workflow_execution, StartWorkflowExecution)
  TEMPORAL_RPC(get_workflow_execution_history, GetWorkflowExecutionHistory)
  TEMPORAL_RPC(describe_workflow_execution, DescribeWorkflowExecution)
  TEMPORAL_RPC(signal_workflow_execution, SignalWorkflowExecution)
  TEMPORAL_RPC(request_cancel_workflow_execution, RequestCancelWorkflowExecution)
  TEMPORAL_RPC(terminate_workflow_execution, TerminateWorkflowExecution)
  TEMPORAL_RPC(poll_workflow_task_queue, PollWorkflowTaskQueue)
  TEMPORAL_RPC(respond_workflow_task_completed, RespondWorkflowTaskCompleted)
  TEMPORAL_RPC(respond_workflow_task_failed, RespondWorkflowTaskFailed)
  TEMPORAL_RPC(respond_query_task_completed, RespondQueryTaskCompleted)
  TEMPORAL_RPC(poll_activity_task_queue, PollActivityTaskQueue)
  TEMPORAL_RPC(respond_activity_task_completed, RespondActivityTaskCompleted)
  TEMPORAL_RPC(respond_activity_task_failed, RespondActivityTaskFailed)
  TEMPORAL_RPC(respond_activity_task_canceled, RespondActivityTaskCanceled)
  TEMPORAL_RPC(record_activity_task_heartbeat, RecordActivityTaskHeartbeat)
  TEMPORAL_RPC(shutdown_worker, ShutdownWorker)

#undef TEMPORAL_RPC
};

}  // namespace temporal::supervisor
