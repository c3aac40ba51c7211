// SPDX-License-Identifier: MIT
// What the server is told of a workflow task, and what it makes of that.
#include <string_view>
#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/rpc/retry.hpp"
#include "supervisor/tasks/payload_limits.hpp"
#include "supervisor/tasks/task_failures.hpp"
#include "supervisor/tasks/task_messages.hpp"
#include "supervisor/tasks/workflow_tasks.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

// Nothing when the server did not take it.
asio::awaitable<std::optional<WorkflowTasks::Completed>> WorkflowTasks::respond(
    const Task& task, Activation& activation, Answer answer) {
  auto& outcome = activation.outcome;
  ws::RespondWorkflowTaskCompletedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(queue_.name_space);
  request.set_identity(queue_.identity);
  request.set_worker_instance_key(queue_.worker_instance_key);
  queue_.deployment.mark(request);
  request.set_versioning_behavior(
      queue_.deployment.behavior_of(module_, task.workflow_type().name()));
  request.mutable_capabilities()->set_discard_speculative_workflow_task_with_events(true);
  if (answer.renews) request.set_force_create_new_workflow_task(true);
  request.set_return_new_workflow_task(answer.keeps_run || answer.renews);
  if (answer.local_retries > 0)
    request.mutable_metering_metadata()->set_nonfirst_local_activity_execution_attempts(
        static_cast<std::uint32_t>(answer.local_retries));
  if (answer.keeps_run) {
    *request.mutable_sticky_attributes()->mutable_worker_task_queue() = sticky_queue();
    to_proto(queue_.sticky->schedule_to_start,
             request.mutable_sticky_attributes()->mutable_schedule_to_start_timeout());
  }
  for (auto& command : outcome.commands) request.add_commands()->Swap(&command);
  for (auto& message : outcome.messages) request.add_messages()->Swap(&message);
  auto reserved = reserve_places(request, outcome.finished);
  *request.mutable_sdk_metadata() = std::move(outcome.sdk_metadata);
  for (auto& said : std::exchange(activation.answers, {})) add(std::move(said), request);
  auto refused = oversized(request, queue_.blob_limit);
  const auto bytes = request.ByteSizeLong();
  if (!refused) {
    try {
      const auto* closed = metrics_.workflow(task.workflow_type().name()).closed_by(request);
      auto completed = co_await service_.respond_workflow_task_completed(std::move(request));
      if (closed) closed->add();
      for (auto& started : *completed.mutable_activity_tasks())
        if (auto place = reserved.extract(started.activity_id()); place)
          activities_->take(std::move(started), std::move(place.mapped()));
        else
          log_.error(
              "the server started an activity here that it was not asked to start; it times out",
              {{"activity_id", started.activity_id()}});
      co_return completed;
    } catch (const EncodeError& error) {
      refused = task_failure("CodecError", error.what());
    } catch (const RpcError& error) {
      if (is_message_too_large({error.code(), error.what(), {}}))
        refused = message_too_large(bytes, error.what());
      else
        note_refused(task, error);
    }
  }
  if (refused) co_await respond_failed(task, std::move(*refused));
  co_return std::nullopt;
}

// Not found: somebody else had the task meanwhile. Unhandled command: events came in between, and
// with them a new task.
void WorkflowTasks::note_refused(const Task& task, const RpcError& error) {
  const bool routine =
      error.code() == RpcCode::not_found ||
      (error.code() == RpcCode::invalid_argument &&
       std::string_view(error.what()).find("UnhandledCommand") != std::string_view::npos);
  auto line = fields(task);
  line["error"] = error.what();
  log_.write(routine ? LogLevel::debug : LogLevel::warn,
             "the server did not take a workflow task's completion; the run is replayed", line);
}

// A wish of the code becomes a request where a place is kept for what it may bring; those that bring nothing are given back with
// the answer.
WorkflowTasks::Reserved WorkflowTasks::reserve_places(
    ws::RespondWorkflowTaskCompletedRequest& request, bool closes) {
  Reserved reserved;
  for (auto& command : *request.mutable_commands()) {
    if (!command.has_schedule_activity_task_command_attributes()) continue;
    auto& activity = *command.mutable_schedule_activity_task_command_attributes();
    if (!activity.request_eager_execution()) continue;
    const bool may =
        activities_ && !closes && (!most_eager_ || std::cmp_less(reserved.size(), *most_eager_));
    auto places = may ? activities_->try_reserve(activity.activity_type().name()) : std::nullopt;
    activity.set_request_eager_execution(places.has_value());
    if (places) reserved.emplace(activity.activity_id(), std::move(*places));
  }
  return reserved;
}

asio::awaitable<void> WorkflowTasks::respond_failed(const Task& task, engine::TaskFailure failure,
                                                    bool also_later_attempts) {
  auto line = fields(task);
  line["failure"] = failure.text;
  line["attempt"] = task.attempt();
  metrics_.workflow_task_failed(
      task.workflow_type().name(),
      failure.cause == enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
          ? "NonDeterminismError"
          : "WorkflowError");
  log_.error("a workflow task failed; the workflow waits for corrected code", line);
  // Later attempts stay silent: the server times the task out and waits longer each time.
  if (task.attempt() > 1 && !also_later_attempts) co_return;
  ws::RespondWorkflowTaskFailedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(queue_.name_space);
  request.set_identity(queue_.identity);
  queue_.deployment.mark(request);
  request.set_cause(failure.cause);
  *request.mutable_failure() = std::move(failure.failure);
  try {
    co_await service_.respond_workflow_task_failed(std::move(request));
  } catch (const RpcError& error) {
    line["error"] = error.what();
    log_.debug("the server did not take a workflow task's failure", line);
  }
}

// It came to an earlier process, which died of it. Failed now, it need not time out, and history
// says why.
asio::awaitable<void> WorkflowTasks::fail_crashed(PoisonedRuns::Unanswered task, Gate::Pass) {
  ws::RespondWorkflowTaskFailedRequest request;
  request.set_task_token(task.task_token);
  request.set_namespace_(queue_.name_space);
  request.set_identity(queue_.identity);
  queue_.deployment.mark(request);
  request.set_cause(task.failure.cause);
  *request.mutable_failure() = std::move(task.failure.failure);
  log_.error("a workflow's code crashed this worker before; its task fails",
             {{"run_id", task.run_id}, {"failure", task.failure.text}});
  try {
    co_await service_.respond_workflow_task_failed(std::move(request));
    poisoned_.told(task.run_id);
  } catch (const RpcError& error) {
    // Timed out meanwhile, or answered by a worker beside this one: its next task fails.
    log_.debug("the server did not take a workflow task's failure",
               {{"run_id", task.run_id}, {"error", error.what()}});
  }
}

// A run in memory is asked as it is; else it is replayed first. Without a history there is no answer: the server asks again.
asio::awaitable<void> WorkflowTasks::answer_query(Task task) {
  if (auto refusal = poisoned_.refuses(task.workflow_execution().run_id())) {
    engine::QueryAnswer refused;
    refused.failure = std::move(refusal->failure.failure);
    co_await respond_query(task, std::move(refused));
    co_return;
  }
  auto lease = co_await cache_.check_out(task.workflow_execution().run_id());
  if (lease.run && task.previous_started_event_id() == lease.run->last_started_event_id()) {
    task.clear_history();
  } else {
    evict(std::move(lease.run));
    const auto line = fields(task);
    try {
      if (has_first_event(task)) {
        co_await fetch_rest(service_, queue_.name_space, task);
      } else {
        co_await fetch_whole(service_, queue_.name_space, task);
      }
    } catch (const RpcError& error) {
      log_.debug("a query is not answered: the history could not be read",
                 {{"error", error.what()}, {"workflow_id", line["workflow_id"]}});
      co_return;
    }
  }
  auto activation = co_await activate(task, std::move(lease.run));
  lease.run = std::move(activation->run);
  engine::QueryAnswer answer;
  if (activation->outcome.failure) {
    answer.failure = std::move(activation->outcome.failure->failure);
  } else {
    answer = std::move(activation->answers.front());
  }
  co_await respond_query(task, std::move(answer));
  // What it asked for was not done here: it was only asked.
  if (lease.run && keeps_runs() && !activation->outcome.waits)
    keep(std::move(lease));
  else
    evict(std::move(lease.run));
}

asio::awaitable<void> WorkflowTasks::respond_query(const Task& task, engine::QueryAnswer answer) {
  ws::RespondQueryTaskCompletedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(queue_.name_space);
  fill(std::move(answer), request);
  const auto bytes = request.ByteSizeLong();
  std::optional<engine::QueryAnswer> too_large;
  try {
    co_await service_.respond_query_task_completed(std::move(request));
  } catch (const RpcError& error) {
    auto line = fields(task);
    line["error"] = error.what();
    log_.debug("the server did not take a query's answer", line);
    if (is_message_too_large({error.code(), error.what(), {}}))
      too_large.emplace().failure =
          task_failure("AnswerTooLarge", "the answer takes " + std::to_string(bytes) +
                                             " bytes, more than the server takes at once (" +
                                             error.what() + "): answer with less")
              .failure;
  }
  if (too_large) co_await respond_query(task, std::move(*too_large));
}

}  // namespace temporal::supervisor
