// SPDX-License-Identifier: MIT
#include "supervisor/tasks/workflow_tasks.hpp"

#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

namespace {

engine::TaskFailure task_failure(enums::WorkflowTaskFailedCause cause, std::string_view type,
                                 const std::string& text) {
  engine::TaskFailure failure;
  failure.cause = cause;
  failure.text = text;
  to_failure_proto(ApplicationError(text, {.type = type}), &failure.failure);
  return failure;
}

std::string seconds_text(std::chrono::milliseconds duration) {
  return duration.count() % 1000 == 0 ? std::to_string(duration.count() / 1000) + " s"
                                      : std::to_string(duration.count()) + " ms";
}

}  // namespace

WorkflowTasks::WorkflowTasks(asio::any_io_executor core, WorkflowQueue queue, const Module& module,
                             WorkflowService& service, WorkflowThreads& threads, Permits& permits,
                             Logger& log, WorkerMetrics& metrics)
    : core_(core),
      queue_(std::move(queue)),
      module_(module),
      service_(service),
      threads_(threads),
      permits_(permits),
      log_(log),
      metrics_(metrics),
      pollers_(core),
      running_(core) {}

asio::awaitable<void> WorkflowTasks::turn() {
  auto permit = co_await permits_.acquire();
  if (pollers_.stopping()) co_return;
  ws::PollWorkflowTaskQueueRequest request;
  request.set_namespace_(queue_.name_space);
  request.mutable_task_queue()->set_name(queue_.task_queue);
  request.set_identity(queue_.identity);
  request.set_worker_instance_key(queue_.worker_instance_key);
  auto task = co_await service_.poll_workflow_task_queue(std::move(request));
  if (task.task_token().empty()) {
    metrics_.workflow_poll_empty.add();
    co_return;
  }
  metrics_.workflow_poll_succeed.add();
  asio::co_spawn(core_, handle(std::move(task), std::move(permit), running_.enter()),
                 [this](std::exception_ptr error) {
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& bug) {
                     log_.error("a workflow task was not answered: this is a bug of the worker",
                                {{"error", bug.what()}});
                   }
                 });
}

// One workflow task, start to finish. Everything before activate() may be retried by the server;
// everything after it is the run's history.
asio::awaitable<void> WorkflowTasks::handle(Task task, Permit, Gate::Pass) {
  if (task.has_query()) co_return co_await answer_query(task);
  const auto& metrics = metrics_.workflow(task.workflow_type().name());
  metrics.task_schedule_to_start_latency.observe(
      between(from_proto(task.scheduled_time()), from_proto(task.started_time())));
  std::optional<engine::TaskFailure> unreadable;
  try {
    co_await fetch_history(task);
  } catch (const RpcError& error) {
    // Gone: nobody waits for an answer.
    if (error.code() == RpcCode::not_found) co_return;
    unreadable = task_failure(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
                              "HistoryUnavailable",
                              std::string("the history could not be read: ") + error.what());
  }
  if (unreadable) co_return co_await respond_failed(task, std::move(*unreadable));
  const auto begun = std::chrono::steady_clock::now();
  auto outcome = co_await activate(task);
  metrics.task_execution_latency.observe(std::chrono::steady_clock::now() - begun);
  co_await respond(task, std::move(outcome));
}

asio::awaitable<void> WorkflowTasks::fetch_history(Task& task) {
  std::string token = task.next_page_token();
  while (!token.empty()) {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_(queue_.name_space);
    *request.mutable_execution() = task.workflow_execution();
    request.set_next_page_token(token);
    auto page = co_await service_.get_workflow_execution_history(std::move(request));
    for (auto& event : *page.mutable_history()->mutable_events())
      task.mutable_history()->add_events()->Swap(&event);
    for (const auto& blob : page.raw_history()) {
      api::history::v1::History raw;
      if (raw.ParseFromString(blob.data())) task.mutable_history()->MergeFrom(raw);
    }
    token = page.next_page_token();
  }
}

asio::awaitable<engine::TaskOutcome> WorkflowTasks::activate(Task& task) {
  // Shared with the thread: when the workflow never returns, all of this belongs to that thread
  // alone.
  struct Activation {
    std::unique_ptr<engine::WorkflowRun> run;
    engine::WorkflowTaskInput input;
    engine::TaskOutcome outcome;
  };
  auto activation = std::make_shared<Activation>();
  activation->input.history.Swap(task.mutable_history());
  activation->input.previous_started_event_id = task.previous_started_event_id();
  activation->input.started_event_id = task.started_event_id();
  engine::RunContext context{.workflow_namespace = queue_.name_space,
                             .workflow_id = task.workflow_execution().workflow_id(),
                             .run_id = task.workflow_execution().run_id(),
                             .workflow_type = task.workflow_type().name(),
                             .task_queue = queue_.task_queue,
                             .server_keeps_sdk_metadata = queue_.server_keeps_sdk_metadata};
  // Named: GCC 12 destroys a closure twice that is written inside a co_await expression.
  WorkflowThreads::Work work = [activation, context = std::move(context), log = log_sink(task),
                                &module = module_]() mutable {
    activation->run =
        std::make_unique<engine::WorkflowRun>(module, std::move(context), std::move(log));
    activation->outcome = activation->run->activate(std::move(activation->input));
    activation->run.reset();
  };
  const bool returned = co_await threads_.run(std::move(work));
  if (returned) co_return std::move(activation->outcome);
  metrics_.deadlock(task.workflow_type().name());

  engine::TaskOutcome outcome;
  outcome.failure = task_failure(
      enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE, "DeadlockDetected",
      "[TMPRL1101] Potential deadlock: workflow code of type " + task.workflow_type().name() +
          " held its thread for " + seconds_text(queue_.deadlock_timeout) +
          " without waiting for anything. Move what blocks or computes into an activity, or raise "
          "--deadlock-timeout");
  co_return outcome;
}

asio::awaitable<void> WorkflowTasks::respond(const Task& task, engine::TaskOutcome outcome) {
  if (outcome.failure) co_return co_await respond_failed(task, std::move(*outcome.failure));
  ws::RespondWorkflowTaskCompletedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(queue_.name_space);
  request.set_identity(queue_.identity);
  request.set_worker_instance_key(queue_.worker_instance_key);
  request.mutable_capabilities()->set_discard_speculative_workflow_task_with_events(true);
  for (auto& command : outcome.commands) request.add_commands()->Swap(&command);
  *request.mutable_sdk_metadata() = std::move(outcome.sdk_metadata);
  for (const auto& [id, query] : task.queries()) {
    auto& result = (*request.mutable_query_results())[id];
    result.set_result_type(enums::QUERY_RESULT_TYPE_FAILED);
    result.set_error_message("this workflow has no query '" + query.query_type() + "'");
  }
  try {
    const auto* closed = metrics_.workflow(task.workflow_type().name()).closed_by(request);
    co_await service_.respond_workflow_task_completed(std::move(request));
    if (closed) closed->add();
  } catch (const RpcError& error) {
    // Not found: somebody else had the task meanwhile. Unhandled command: events came in between,
    // and with them a new task.
    const bool routine =
        error.code() == RpcCode::not_found ||
        (error.code() == RpcCode::invalid_argument &&
         std::string_view(error.what()).find("UnhandledCommand") != std::string_view::npos);
    auto line = fields(task);
    line["error"] = error.what();
    log_.write(routine ? LogLevel::debug : LogLevel::warn,
               "the server did not take a workflow task's completion; the run is replayed", line);
  }
}

asio::awaitable<void> WorkflowTasks::respond_failed(const Task& task, engine::TaskFailure failure) {
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
  if (task.attempt() > 1) co_return;
  ws::RespondWorkflowTaskFailedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(queue_.name_space);
  request.set_identity(queue_.identity);
  request.set_cause(failure.cause);
  *request.mutable_failure() = std::move(failure.failure);
  try {
    co_await service_.respond_workflow_task_failed(std::move(request));
  } catch (const RpcError& error) {
    line["error"] = error.what();
    log_.debug("the server did not take a workflow task's failure", line);
  }
}

asio::awaitable<void> WorkflowTasks::answer_query(const Task& task) {
  ws::RespondQueryTaskCompletedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(queue_.name_space);
  request.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
  request.set_error_message("this workflow has no query '" + task.query().query_type() + "'");
  try {
    co_await service_.respond_query_task_completed(std::move(request));
  } catch (const RpcError& error) {
    auto line = fields(task);
    line["error"] = error.what();
    log_.debug("the server did not take a query's answer", line);
  }
}

engine::LogSink WorkflowTasks::log_sink(const Task& task) const {
  return
      [this, ids = fields(task)](LogLevel level, std::string_view message, const LogFields& more) {
        auto line = ids;
        if (more.is_object()) line.update(more);
        log_.write(level, message, line);
      };
}

LogFields WorkflowTasks::fields(const Task& task) const {
  return {{"workflow_type", task.workflow_type().name()},
          {"workflow_id", task.workflow_execution().workflow_id()},
          {"run_id", task.workflow_execution().run_id()}};
}

}  // namespace temporal::supervisor
