// SPDX-License-Identifier: MIT
// A Temporal server as far as a worker sees it, on the worker's own loop: hands out the tasks it is
// given, counts what is reported for them, and fails when it is told to. It knows no rules of the
// real one, so it proves nothing about them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/rpc/workflow_service.hpp"
#include "supervisor/wakeup.hpp"

namespace temporal::test {

namespace ws = api::workflowservice::v1;

/// Thread rule: the loop's.
class FakeService final : public supervisor::WorkflowService {
 public:
  explicit FakeService(boost::asio::io_context& loop) : changed_(loop.get_executor()) {}

  // --- what the test does ---

  void deliver(ws::PollActivityTaskQueueResponse task);
  void deliver(ws::PollWorkflowTaskQueueResponse task);
  void deliver_sticky(ws::PollWorkflowTaskQueueResponse task);
  /// Open polls end without a task.
  void end_polls();

  /// Called with the name of every RPC before anything else happens; may throw RpcError.
  std::function<void(std::string_view rpc)> before = [](std::string_view) {};
  std::function<awaitable<ws::RecordActivityTaskHeartbeatResponse>(
      const ws::RecordActivityTaskHeartbeatRequest&)>
      on_heartbeat;
  /// How long a failure is on its way.
  std::function<awaitable<void>()> on_failed;
  std::function<ws::GetWorkflowExecutionHistoryResponse(
      const ws::GetWorkflowExecutionHistoryRequest&)>
      on_history;
  /// What a completion is answered with, if it is not refused.
  std::function<ws::RespondWorkflowTaskCompletedResponse()> on_workflow_completed = [] {
    return ws::RespondWorkflowTaskCompletedResponse();
  };

  // --- what the test looks at ---

  int open_polls = 0;
  int open_sticky_polls = 0;  ///< among them
  int polls = 0;
  std::vector<ws::PollActivityTaskQueueRequest> activity_polls;
  std::vector<ws::PollWorkflowTaskQueueRequest> workflow_polls;
  std::vector<ws::RecordActivityTaskHeartbeatRequest> heartbeats;
  std::vector<ws::RespondActivityTaskCompletedRequest> completed;
  std::vector<ws::RespondActivityTaskFailedRequest> failed;
  std::vector<ws::RespondActivityTaskCanceledRequest> canceled;
  std::vector<ws::RespondWorkflowTaskCompletedRequest> workflow_completed;
  std::vector<ws::RespondWorkflowTaskFailedRequest> workflow_failed;
  std::vector<ws::RespondQueryTaskCompletedRequest> queries;

  /// All answers so far, refused ones included: "completed TOKEN", "failed TOKEN"...
  std::vector<std::string> answers;

  // --- what the worker calls ---

#define TEMPORAL_RPC(name, Name) \
  awaitable<ws::Name##Response> name(ws::Name##Request request) override;
  TEMPORAL_WORKER_RPCS(TEMPORAL_RPC)
#undef TEMPORAL_RPC

 private:
  template <class Response>
  awaitable<Response> poll(std::deque<Response>& tasks);

  std::deque<ws::PollActivityTaskQueueResponse> activity_tasks_;
  std::deque<ws::PollWorkflowTaskQueueResponse> workflow_tasks_;
  std::deque<ws::PollWorkflowTaskQueueResponse> sticky_tasks_;
  int ended_ = 0;
  supervisor::Wakeup changed_;
};

/// What a failing server throws.
[[noreturn]] void refuse(supervisor::RpcCode code, const std::string& message);

}  // namespace temporal::test
