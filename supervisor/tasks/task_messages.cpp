// SPDX-License-Identifier: MIT
#include "supervisor/tasks/task_messages.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "shared/payload_proto.hpp"
#include "temporal/api/enums/v1/query.pb.h"

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

std::vector<engine::UpdateRequest> updates_of(const PolledWorkflowTask& task) {
  std::vector<engine::UpdateRequest> updates;
  for (const auto& message : task.messages()) {
    engine::UpdateRequest update;
    if (!message.body().UnpackTo(&update.request)) continue;
    update.instance_id = message.protocol_instance_id();
    update.message_id = message.id();
    update.sequenced_after = message.event_id();
    updates.push_back(std::move(update));
  }
  return updates;
}

bool only_asks(const PolledWorkflowTask& task) { return task.has_query(); }

std::vector<engine::Query> queries_of(const PolledWorkflowTask& task) {
  std::vector<engine::Query> queries;
  const auto add = [&](const std::string& id, const api::query::v1::WorkflowQuery& query) {
    queries.push_back({id, query.query_type(), from_proto(query.query_args()),
                       from_proto(query.header().fields())});
  };
  if (only_asks(task)) add({}, task.query());
  for (const auto& [id, query] : task.queries()) add(id, query);
  std::ranges::sort(queries, {}, &engine::Query::id);
  return queries;
}

void add(engine::QueryAnswer answer, ws::RespondWorkflowTaskCompletedRequest& to) {
  auto& result = (*to.mutable_query_results())[answer.id];
  if (answer.answer) {
    result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
    to_proto(*answer.answer, result.mutable_answer()->add_payloads());
    return;
  }
  result.set_result_type(enums::QUERY_RESULT_TYPE_FAILED);
  result.set_error_message(answer.failure.message());
  *result.mutable_failure() = std::move(answer.failure);
}

void fill(engine::QueryAnswer answer, ws::RespondQueryTaskCompletedRequest& to) {
  if (answer.answer) {
    to.set_completed_type(enums::QUERY_RESULT_TYPE_ANSWERED);
    to_proto(*answer.answer, to.mutable_query_result()->add_payloads());
    return;
  }
  to.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
  to.set_error_message(answer.failure.message());
  *to.mutable_failure() = std::move(answer.failure);
}

}  // namespace temporal::supervisor
