// SPDX-License-Identifier: MIT
// The RPCs that clients use and workers do not, as an interface.
#pragma once

#include "supervisor/rpc/workflow_service.hpp"

namespace temporal::supervisor {

/// Those beside TEMPORAL_WORKER_RPCS.
#define TEMPORAL_CLIENT_RPCS(RPC)                                             \
  RPC(signal_with_start_workflow_execution, SignalWithStartWorkflowExecution) \
  RPC(query_workflow, QueryWorkflow)                                          \
  RPC(update_workflow_execution, UpdateWorkflowExecution)                     \
  RPC(poll_workflow_execution_update, PollWorkflowExecutionUpdate)            \
  RPC(list_workflow_executions, ListWorkflowExecutions)

/// As WorkflowService. A query, and an update that is waited for, go on for as long as their caller does not cancel them.
class ClientService : public WorkflowService {
 public:
#define TEMPORAL_RPC(name, Name)                                    \
  virtual awaitable<api::workflowservice::v1::Name##Response> name( \
      api::workflowservice::v1::Name##Request request) = 0;
  TEMPORAL_CLIENT_RPCS(TEMPORAL_RPC)
#undef TEMPORAL_RPC
};

}  // namespace temporal::supervisor
