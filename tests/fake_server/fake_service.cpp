// SPDX-License-Identifier: MIT
#include "tests/fake_server/fake_service.hpp"

#include <utility>

namespace temporal::test {

void refuse(supervisor::RpcCode code, const std::string& message) {
  throw supervisor::RpcError(code, "Fake", message, {});
}

void FakeService::deliver(ws::PollActivityTaskQueueResponse task) {
  activity_tasks_.push_back(std::move(task));
  changed_.notify();
}

void FakeService::deliver(ws::PollWorkflowTaskQueueResponse task) {
  workflow_tasks_.push_back(std::move(task));
  changed_.notify();
}

void FakeService::deliver_sticky(ws::PollWorkflowTaskQueueResponse task) {
  sticky_tasks_.push_back(std::move(task));
  changed_.notify();
}

void FakeService::end_polls() {
  ++ended_;
  changed_.notify();
}

namespace {

struct Open {
  int& count;
  explicit Open(int& open) : count(open) { ++count; }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() { --count; }
};

}  // namespace

template <class Response>
FakeService::awaitable<Response> FakeService::poll(std::deque<Response>& tasks) {
  ++polls;
  const Open open(open_polls);
  const int ended = ended_;
  while (tasks.empty() && ended == ended_) co_await changed_.wait();
  if (tasks.empty()) co_return Response();
  auto task = std::move(tasks.front());
  tasks.pop_front();
  co_return task;
}

FakeService::awaitable<ws::PollActivityTaskQueueResponse> FakeService::poll_activity_task_queue(
    ws::PollActivityTaskQueueRequest request) {
  before("PollActivityTaskQueue");
  activity_polls.push_back(std::move(request));
  co_return co_await poll(activity_tasks_);
}

FakeService::awaitable<ws::PollWorkflowTaskQueueResponse> FakeService::poll_workflow_task_queue(
    ws::PollWorkflowTaskQueueRequest request) {
  before("PollWorkflowTaskQueue");
  const bool sticky = request.task_queue().kind() == api::enums::v1::TASK_QUEUE_KIND_STICKY;
  workflow_polls.push_back(std::move(request));
  if (!sticky) co_return co_await poll(workflow_tasks_);
  const Open open(open_sticky_polls);
  co_return co_await poll(sticky_tasks_);
}

FakeService::awaitable<ws::RecordActivityTaskHeartbeatResponse>
FakeService::record_activity_task_heartbeat(ws::RecordActivityTaskHeartbeatRequest request) {
  heartbeats.push_back(request);
  before("RecordActivityTaskHeartbeat");
  if (on_heartbeat) co_return co_await on_heartbeat(request);
  co_return ws::RecordActivityTaskHeartbeatResponse();
}

FakeService::awaitable<ws::GetWorkflowExecutionHistoryResponse>
FakeService::get_workflow_execution_history(ws::GetWorkflowExecutionHistoryRequest request) {
  before("GetWorkflowExecutionHistory");
  if (!on_history) refuse(supervisor::RpcCode::not_found, "no history here");
  co_return on_history(request);
}

FakeService::awaitable<ws::RespondWorkflowTaskCompletedResponse>
FakeService::respond_workflow_task_completed(ws::RespondWorkflowTaskCompletedRequest request) {
  answers.push_back("workflow completed " + request.task_token());
  before("RespondWorkflowTaskCompleted");
  workflow_completed.push_back(std::move(request));
  co_return on_workflow_completed();
}

FakeService::awaitable<ws::RespondActivityTaskFailedResponse>
FakeService::respond_activity_task_failed(ws::RespondActivityTaskFailedRequest request) {
  answers.push_back("failed " + request.task_token());
  before("RespondActivityTaskFailed");
  if (on_failed) co_await on_failed();
  failed.push_back(std::move(request));
  co_return ws::RespondActivityTaskFailedResponse();
}

#define TEMPORAL_ANSWER(name, Name, list, word)                                             \
  FakeService::awaitable<ws::Name##Response> FakeService::name(ws::Name##Request request) { \
    answers.push_back(word " " + request.task_token());                                     \
    before(#Name);                                                                          \
    list.push_back(std::move(request));                                                     \
    co_return ws::Name##Response();                                                         \
  }
TEMPORAL_ANSWER(respond_activity_task_completed, RespondActivityTaskCompleted, completed,
                "completed")
TEMPORAL_ANSWER(respond_activity_task_canceled, RespondActivityTaskCanceled, canceled, "canceled")
TEMPORAL_ANSWER(respond_workflow_task_failed, RespondWorkflowTaskFailed, workflow_failed,
                "workflow failed")
TEMPORAL_ANSWER(respond_query_task_completed, RespondQueryTaskCompleted, queries, "query")
#undef TEMPORAL_ANSWER

#define TEMPORAL_REPLY(name, Name)                                                  \
  FakeService::awaitable<ws::Name##Response> FakeService::name(ws::Name##Request) { \
    before(#Name);                                                                  \
    co_return ws::Name##Response();                                                 \
  }
TEMPORAL_REPLY(get_system_info, GetSystemInfo)
TEMPORAL_REPLY(describe_namespace, DescribeNamespace)
TEMPORAL_REPLY(start_workflow_execution, StartWorkflowExecution)
TEMPORAL_REPLY(describe_workflow_execution, DescribeWorkflowExecution)
TEMPORAL_REPLY(signal_workflow_execution, SignalWorkflowExecution)
TEMPORAL_REPLY(request_cancel_workflow_execution, RequestCancelWorkflowExecution)
TEMPORAL_REPLY(terminate_workflow_execution, TerminateWorkflowExecution)
TEMPORAL_REPLY(shutdown_worker, ShutdownWorker)
#undef TEMPORAL_REPLY

}  // namespace temporal::test
