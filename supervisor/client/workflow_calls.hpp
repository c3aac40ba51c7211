// SPDX-License-Identifier: MIT
// What a client asks of the server, as awaitables: for the public client, which waits for them on a thread, and for that of
// coroutine activities.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "supervisor/rpc/workflow_service.hpp"
#include "temporal/activity_client.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"

namespace temporal::supervisor {

/// Whose calls they are.
struct Caller {
  WorkflowService& service;
  std::string name_space;
  std::string identity;
};

/// Copies what `options` only looks at. Throws ClientError without a task queue.
[[nodiscard]] api::workflowservice::v1::StartWorkflowExecutionRequest start_request(
    const Caller& caller, std::string_view type, const StartOptions& options,
    const Payloads& arguments);

/// All throw ClientError. Thread rule: core loop; `caller` must outlive them.
boost::asio::awaitable<detail::ExecutionId> start_workflow(
    const Caller& caller, api::workflowservice::v1::StartWorkflowExecutionRequest request);
/// Follows retries and continue-as-new to the end of the chain. Throws WorkflowFailedError.
boost::asio::awaitable<Payload> workflow_result(const Caller& caller,
                                                detail::ExecutionId execution);
boost::asio::awaitable<void> signal_workflow(const Caller& caller, detail::ExecutionId execution,
                                             std::string name, Payloads arguments);
boost::asio::awaitable<void> cancel_workflow(const Caller& caller, detail::ExecutionId execution);

}  // namespace temporal::supervisor
