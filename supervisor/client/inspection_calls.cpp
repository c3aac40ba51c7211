// SPDX-License-Identifier: MIT
#include "supervisor/client/inspection_calls.hpp"

#include <algorithm>
#include <utility>

#include "shared/payload_proto.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;

namespace {

constexpr std::size_t kPage = 1000;  // what servers allow

WorkflowDescription description_of(const api::workflow::v1::WorkflowExecutionInfo& info) {
  WorkflowDescription description;
  description.id = info.execution().workflow_id();
  description.run_id = info.execution().run_id();
  description.first_run_id = info.first_run_id();
  description.type = info.type().name();
  description.task_queue = info.task_queue();
  description.status = static_cast<WorkflowStatus>(info.status());
  description.start_time = from_proto(info.start_time());
  if (info.has_close_time()) description.close_time = from_proto(info.close_time());
  description.history_length = info.history_length();
  description.memo = Memo(from_proto(info.memo().fields()));
  description.search_attributes =
      SearchAttributes(from_proto(info.search_attributes().indexed_fields()));
  return description;
}

}  // namespace

asio::awaitable<WorkflowDescription> describe_workflow(const Caller& caller,
                                                       detail::Target target) {
  ws::DescribeWorkflowExecutionRequest request;
  request.set_namespace_(caller.name_space);
  name_execution(target, request.mutable_execution());
  try {
    const auto reply = co_await caller.service.describe_workflow_execution(std::move(request));
    co_return description_of(reply.workflow_execution_info());
  } catch (const RpcError& error) {
    throw_client_error(caller, target, error);
  }
}

asio::awaitable<api::history::v1::History> fetch_history(const Caller& caller,
                                                         detail::Target target) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(caller.name_space);
  name_execution(target, request.mutable_execution());
  api::history::v1::History history;
  try {
    do {
      auto reply = co_await caller.service.get_workflow_execution_history(request);
      history.mutable_events()->MergeFrom(reply.history().events());
      request.set_next_page_token(reply.next_page_token());
    } while (!request.next_page_token().empty());
  } catch (const RpcError& error) {
    throw_client_error(caller, target, error);
  }
  co_return history;
}

asio::awaitable<std::vector<WorkflowDescription>> list_workflows(const ClientCaller& caller,
                                                                 std::string query,
                                                                 std::size_t limit) {
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(caller.name_space);
  request.set_query(std::move(query));
  std::vector<WorkflowDescription> found;
  try {
    while (found.size() < limit) {
      request.set_page_size(static_cast<int>(std::min(limit - found.size(), kPage)));
      const auto reply = co_await caller.client_service.list_workflow_executions(request);
      for (const auto& info : reply.executions())
        if (found.size() < limit) found.push_back(description_of(info));
      if (reply.next_page_token().empty()) break;
      request.set_next_page_token(reply.next_page_token());
    }
  } catch (const RpcError& error) {
    throw ClientError(error.what());
  }
  co_return found;
}

}  // namespace temporal::supervisor
