// SPDX-License-Identifier: MIT
// What a workflow task brings beside its history, and what its answer says beside its commands: updates and questions.
#pragma once

#include <vector>

#include "supervisor/rpc/workflow_service.hpp"
#include "supervisor/tasks/workflow_history.hpp"
#include "supervisor/workflow/workflow_run.hpp"

namespace temporal::supervisor {

/// In the order of the list. What is no request for an update is left out: the server sends nothing else.
[[nodiscard]] std::vector<engine::UpdateRequest> updates_of(const PolledWorkflowTask& task);

/// The task exists only to ask: it has no history to go on with.
[[nodiscard]] bool only_asks(const PolledWorkflowTask& task);
/// By id: the answers go back under it. The one question of a task that only asks has none.
[[nodiscard]] std::vector<engine::Query> queries_of(const PolledWorkflowTask& task);

void add(engine::QueryAnswer answer,
         api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& to);
void fill(engine::QueryAnswer answer,
          api::workflowservice::v1::RespondQueryTaskCompletedRequest& to);

}  // namespace temporal::supervisor
