// SPDX-License-Identifier: MIT
// How a client starts workflows and learns how they end, as awaitables: for the public client, which waits for them on a thread, and
// for that of coroutine activities. So are message_calls and inspection_calls.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "supervisor/client/caller.hpp"
#include "temporal/activity_client.hpp"
#include "temporal/client_calls.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"

namespace temporal::supervisor {

/// Copies what `options` only looks at. Throws ClientError without a task queue.
[[nodiscard]] api::workflowservice::v1::StartWorkflowExecutionRequest start_request(
    const Caller& caller, std::string_view type, const StartOptions& options,
    const Payloads& arguments);

/// All throw ClientError. Thread rule: core loop; `caller` must outlive them.
boost::asio::awaitable<detail::ExecutionId> start_workflow(
    const Caller& caller, api::workflowservice::v1::StartWorkflowExecutionRequest request);
/// Of the workflow that is there now, or was started. Throws no WorkflowAlreadyStartedError.
boost::asio::awaitable<detail::Target> signal_with_start(
    const ClientCaller& caller, api::workflowservice::v1::StartWorkflowExecutionRequest start,
    std::string signal, Payloads arguments);
/// Follows retries and continue-as-new to the end of the chain. Throws WorkflowFailedError.
boost::asio::awaitable<Payload> workflow_result(const Caller& caller,
                                                detail::ExecutionId execution);

}  // namespace temporal::supervisor
