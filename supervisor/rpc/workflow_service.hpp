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

/// A call that was never made: what it was to say could not be encoded.
class EncodeError : public RpcError {
 public:
  EncodeError(std::string method, const std::string& message)
      : RpcError(RpcCode::internal, std::move(method), message, {}) {}
};

/// All of them, by function and by Temporal's name: for who declares or passes on each.
#define TEMPORAL_WORKER_RPCS(RPC)                                        \
  RPC(get_system_info, GetSystemInfo)                                    \
  RPC(describe_namespace, DescribeNamespace)                             \
  RPC(start_workflow_execution, StartWorkflowExecution)                  \
  RPC(get_workflow_execution_history, GetWorkflowExecutionHistory)       \
  RPC(describe_workflow_execution, DescribeWorkflowExecution)            \
  RPC(signal_workflow_execution, SignalWorkflowExecution)                \
  RPC(request_cancel_workflow_execution, RequestCancelWorkflowExecution) \
  RPC(terminate_workflow_execution, TerminateWorkflowExecution)          \
  RPC(poll_workflow_task_queue, PollWorkflowTaskQueue)                   \
  RPC(respond_workflow_task_completed, RespondWorkflowTaskCompleted)     \
  RPC(respond_workflow_task_failed, RespondWorkflowTaskFailed)           \
  RPC(respond_query_task_completed, RespondQueryTaskCompleted)           \
  RPC(poll_activity_task_queue, PollActivityTaskQueue)                   \
  RPC(respond_activity_task_completed, RespondActivityTaskCompleted)     \
  RPC(respond_activity_task_failed, RespondActivityTaskFailed)           \
  RPC(respond_activity_task_canceled, RespondActivityTaskCanceled)       \
  RPC(record_activity_task_heartbeat, RecordActivityTaskHeartbeat)       \
  RPC(shutdown_worker, ShutdownWorker)

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
  TEMPORAL_WORKER_RPCS(TEMPORAL_RPC)
#undef TEMPORAL_RPC

  /// What the server handed out may be sealed, and to open it may take time: not where a poll waits for it, but where the task has
  /// its place. False: it cannot be opened, and is answered for.
  virtual awaitable<bool> open(api::workflowservice::v1::PollWorkflowTaskQueueResponse&) {
    co_return true;
  }
  virtual awaitable<bool> open(api::workflowservice::v1::PollActivityTaskQueueResponse&) {
    co_return true;
  }
};

}  // namespace temporal::supervisor
