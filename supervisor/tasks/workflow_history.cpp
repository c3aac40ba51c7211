// SPDX-License-Identifier: MIT
#include "supervisor/tasks/workflow_history.hpp"

#include <cstdint>
#include <utility>

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
using api::history::v1::History;

namespace {

std::int64_t first_event_id(const PolledWorkflowTask& task) {
  return task.history().events().empty() ? 0 : task.history().events(0).event_id();
}

// By pointer: both histories own their events.
void move_to_end(History& from, History& to) {
  to.mutable_events()->Reserve(to.events_size() + from.events_size());
  for (auto& event : *from.mutable_events()) to.add_events()->Swap(&event);
}

// All pages from the one that `token` names; from the first when it is empty.
asio::awaitable<void> fetch_pages(WorkflowService& service, const std::string& name_space,
                                  const PolledWorkflowTask& task, std::string token,
                                  History& into) {
  do {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_(name_space);
    *request.mutable_execution() = task.workflow_execution();
    request.set_next_page_token(token);
    auto page = co_await service.get_workflow_execution_history(std::move(request));
    move_to_end(*page.mutable_history(), into);
    token = page.next_page_token();
  } while (!token.empty());
}

}  // namespace

bool continues(const engine::WorkflowRun& run, const PolledWorkflowTask& task) {
  return task.previous_started_event_id() == run.last_started_event_id() &&
         first_event_id(task) == run.last_started_event_id() + 1;
}

bool has_first_event(const PolledWorkflowTask& task) { return first_event_id(task) == 1; }

asio::awaitable<void> fetch_rest(WorkflowService& service, const std::string& name_space,
                                 PolledWorkflowTask& task) {
  if (task.next_page_token().empty()) co_return;
  co_await fetch_pages(service, name_space, task, task.next_page_token(), *task.mutable_history());
}

// The task's own events come last and not from the fetch: those of an attempt after the first are
// in no history yet, and older servers do not append them.
asio::awaitable<void> fetch_whole(WorkflowService& service, const std::string& name_space,
                                  PolledWorkflowTask& task) {
  co_await fetch_rest(service, name_space, task);
  History whole;
  co_await fetch_pages(service, name_space, task, std::string(), whole);
  const auto own = first_event_id(task);
  auto& events = *whole.mutable_events();
  auto end = own > 0 ? own - 1 : task.started_event_id();
  if (end == 0) end = events.size();  // it only asks
  if (events.size() > end) events.DeleteSubrange(int(end), events.size() - int(end));
  move_to_end(*task.mutable_history(), whole);
  task.mutable_history()->Swap(&whole);
}

}  // namespace temporal::supervisor
