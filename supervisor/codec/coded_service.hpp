// SPDX-License-Identifier: MIT
// The server behind a codec: what is behind it, engine and activities alike, sees payloads as the user's code knows them.
#pragma once

#include <utility>

#include "supervisor/codec/coder.hpp"
#include "supervisor/rpc/client_service.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// For a client. A codec that fails is told as an RpcError, `internal`.
class CodedClientService final : public ClientService {
 public:
  /// Both must outlive it.
  CodedClientService(ClientService& server, Coder& coder) : server_(server), coder_(coder) {}

#define TEMPORAL_RPC(name, Name)                            \
  awaitable<api::workflowservice::v1::Name##Response> name( \
      api::workflowservice::v1::Name##Request request) override;
  TEMPORAL_WORKER_RPCS(TEMPORAL_RPC)
  TEMPORAL_CLIENT_RPCS(TEMPORAL_RPC)

 private:
  ClientService& server_;
  Coder& coder_;
};

/// For a worker. What polls and answers bring is as it is stored until open() was called for it: a task whose payloads cannot be
/// decoded is failed there. A result of an activity that cannot be encoded becomes its failure; commands that cannot throw
/// EncodeError.
class CodedWorkerService final : public WorkflowService {
 public:
  /// All must outlive it.
  CodedWorkerService(WorkflowService& server, Coder& coder, Logger& log)
      : server_(server), coder_(coder), log_(log) {}

  TEMPORAL_WORKER_RPCS(TEMPORAL_RPC)
#undef TEMPORAL_RPC
  awaitable<bool> open(api::workflowservice::v1::PollWorkflowTaskQueueResponse& task) override;
  awaitable<bool> open(api::workflowservice::v1::PollActivityTaskQueueResponse& task) override;

 private:
  /// Of whoever polls.
  struct Teller {
    std::string name_space;
    std::string identity;
    api::deployment::v1::WorkerDeploymentOptions deployment;
  };
  template <class Request>
  void remember(const Request& request) {
    teller_ = {request.namespace_(), request.identity(), request.deployment_options()};
  }
  awaitable<void> fail_query(const std::string& token, const std::string& why);
  awaitable<void> fail_workflow_task(const std::string& token, const std::string& why);
  awaitable<void> fail_activity(const std::string& token, const std::string& why);
  void not_told(const RpcError& error);

  WorkflowService& server_;
  Coder& coder_;
  Logger& log_;
  Teller teller_;
};

}  // namespace temporal::supervisor
