// SPDX-License-Identifier: MIT
// Whose calls a client makes, of whom, and what is said of those that fail.
#pragma once

#include <google/protobuf/any.pb.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/rpc/client_service.hpp"
#include "temporal/client_calls.hpp"

namespace temporal::supervisor {

/// Takes the first task of a workflow; a place is kept for it as long as this exists.
using TakeTask = std::function<void(api::workflowservice::v1::PollWorkflowTaskQueueResponse)>;

struct Caller {
  WorkflowService& service;
  std::string name_space;
  std::string identity;
  /// Asks the worker beside the client, if there is one: when a workflow is started on its queue, and it has a place free, the
  /// server may give it the first task with the answer, so that no poll has to bring it. Empty: it cannot.
  std::function<TakeTask(const std::string& task_queue)> eager{};
};

/// One that may ask for more than a worker does.
struct ClientCaller : Caller {
  ClientService& client_service;
};

[[nodiscard]] std::string random_uuid();

/// Fills in the ids of what a request is about.
void name_execution(const detail::Target& target, api::common::v1::WorkflowExecution* execution);

/// The server's sentence: what() without the method.
[[nodiscard]] std::string message_of(const RpcError& error);
/// What the server says of an error beside its sentence.
[[nodiscard]] std::vector<google::protobuf::Any> details_of(const RpcError& error);

/// The detail of that type, if there is one.
template <class Detail>
[[nodiscard]] std::optional<Detail> detail_of(const RpcError& error) {
  Detail detail;
  for (const auto& any : details_of(error))
    if (any.UnpackTo(&detail)) return detail;
  return std::nullopt;
}

/// Throws WorkflowNotFoundError, or ClientError for all that is not about the target.
[[noreturn]] void throw_client_error(const Caller& caller, const detail::Target& target,
                                     const RpcError& error);

}  // namespace temporal::supervisor
