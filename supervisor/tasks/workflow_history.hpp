// SPDX-License-Identifier: MIT
// What a workflow task brings of its run's history, and what is missing: from the normal queue all
// of it, from the sticky queue only what is new, and of either only the first page.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "supervisor/rpc/workflow_service.hpp"
#include "supervisor/workflow/workflow_run.hpp"

namespace temporal::supervisor {

using PolledWorkflowTask = api::workflowservice::v1::PollWorkflowTaskQueueResponse;

/// The task begins right after the last one that this run has seen.
[[nodiscard]] bool continues(const engine::WorkflowRun& run, const PolledWorkflowTask& task);

/// Its history begins with the run's first event.
[[nodiscard]] bool has_first_event(const PolledWorkflowTask& task);

/// Adds the pages that the task did not bring. Throws RpcError.
boost::asio::awaitable<void> fetch_rest(WorkflowService& service, const std::string& name_space,
                                        PolledWorkflowTask& task);
/// Puts the events before those that the task brought in front of them. Throws RpcError.
boost::asio::awaitable<void> fetch_whole(WorkflowService& service, const std::string& name_space,
                                         PolledWorkflowTask& task);

}  // namespace temporal::supervisor
