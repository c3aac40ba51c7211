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

/// For a worker. A task whose payloads cannot be decoded is failed here, and never seen behind; a result of an activity that
/// cannot be encoded becomes its failure. All else that cannot be encoded throws EncodeError.
class CodedWorkerService final : public WorkflowService {
 public:
  /// All must outlive it.
  CodedWorkerService(WorkflowService& server, Coder& coder, Logger& log)
      : server_(server), coder_(coder), log_(log) {}

  TEMPORAL_WORKER_RPCS(TEMPORAL_RPC)
#undef TEMPORAL_RPC

 private:
  /// Whose task it is, and who says so.
  struct Teller {
    std::string name_space;
    std::string identity;
    api::deployment::v1::WorkerDeploymentOptions deployment;
  };
  template <class Request>
  static Teller teller_of(const Request& request) {
    return {request.namespace_(), request.identity(), request.deployment_options()};
  }
  /// Cleared when it cannot be decoded.
  awaitable<void> decode(api::workflowservice::v1::PollWorkflowTaskQueueResponse& task,
                         const Teller& teller);
  awaitable<void> decode(api::workflowservice::v1::PollActivityTaskQueueResponse& task,
                         const Teller& teller);
  awaitable<void> fail_query(const std::string& token, const Teller& teller,
                             const std::string& why);
  awaitable<void> fail_workflow_task(const std::string& token, const Teller& teller,
                                     const std::string& why);
  awaitable<void> fail_activity(const std::string& token, const Teller& teller,
                                const std::string& why);
  void not_told(const RpcError& error);

  WorkflowService& server_;
  Coder& coder_;
  Logger& log_;
};

}  // namespace temporal::supervisor
