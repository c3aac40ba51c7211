// SPDX-License-Identifier: MIT
#include "supervisor/tasks/workflow_tasks.hpp"

#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/tasks/task_failures.hpp"
#include "supervisor/tasks/task_messages.hpp"
#include "temporal/unsafe.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

WorkflowTasks::WorkflowTasks(asio::any_io_executor core, WorkflowQueue queue, const Module& module,
                             WorkflowService& service, WorkflowThreads& threads, LocalCalls& locals,
                             Permits& permits, Logger& log, WorkerMetrics& metrics)
    : core_(core),
      queue_(std::move(queue)),
      module_(module),
      service_(service),
      threads_(threads),
      locals_(locals),
      log_(log),
      metrics_(metrics),
      permits_(permits),
      balance_(permits, queue_.sticky.has_value()),
      cache_(core, queue_.sticky ? queue_.sticky->max_cached : 0,
             queue_.sticky ? queue_.sticky->max_bytes : 0),
      poisoned_(queue_.crashes),
      pollers_(core),
      running_(core) {}

void WorkflowTasks::start(const Pollers::Failed& failed) {
  for (auto& task : poisoned_.take_unanswered())
    asio::co_spawn(core_, fail_crashed(std::move(task), running_.enter()),
                   bug("a task that crashed was not answered: this is a bug of the worker"));
  const auto split = this->split();
  pollers_.start(
      split.normal, [this] { return turn(PollKind::normal); }, failed);
  pollers_.start(
      split.sticky, [this] { return turn(PollKind::sticky); }, failed);
}

PollerSplit WorkflowTasks::split() const {
  return queue_.sticky ? split_pollers(queue_.pollers, queue_.sticky->nonsticky_ratio)
                       : PollerSplit{.normal = queue_.pollers, .sticky = 0};
}

// In the order in which start() began them.
void WorkflowTasks::set_pollers(int count) {
  queue_.pollers = count;
  pollers_.resize(0, split().normal);
  pollers_.resize(1, split().sticky);
}

asio::awaitable<void> WorkflowTasks::turn(PollKind kind) {
  auto place = co_await balance_.acquire(kind);
  if (pollers_.stopping()) co_return;
  ws::PollWorkflowTaskQueueRequest request;
  request.set_namespace_(queue_.name_space);
  auto& from = *request.mutable_task_queue();
  if (kind == PollKind::sticky) {
    from = sticky_queue();
  } else {
    from.set_name(queue_.task_queue);
    from.set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  }
  request.set_identity(queue_.identity);
  request.set_worker_instance_key(queue_.worker_instance_key);
  queue_.deployment.mark(request);
  auto task = co_await service_.poll_workflow_task_queue(std::move(request));
  if (kind == PollKind::sticky) balance_.sticky_backlog(task.backlog_count_hint());
  place.poll.end();
  if (task.task_token().empty()) {
    metrics_.workflow_poll_empty.add();
    co_return;
  }
  metrics_.workflow_poll_succeed.add();
  take(std::move(task), std::move(place.permit));
}

std::optional<Permit> WorkflowTasks::try_reserve(const std::string& task_queue) {
  if (task_queue != queue_.task_queue || !pollers_.polling() || queue_.deployment.versioned())
    return std::nullopt;
  return permits_.try_acquire();
}

void WorkflowTasks::take(Task task, Permit place) {
  asio::co_spawn(core_, handle(std::move(task), std::move(place), running_.enter()),
                 bug("a workflow task was not answered: this is a bug of the worker"));
}

asio::awaitable<void> WorkflowTasks::handle(Task task, Permit, Gate::Pass) {
  // The answer to a completion may bring the next task of the run: it has the place of this one.
  std::optional<Task> next = std::move(task);
  while (next) next = co_await serve(std::move(*next));
}

// One workflow task, start to finish. Everything before activate() may be retried by the server;
// everything after it is the run's history.
asio::awaitable<std::optional<WorkflowTasks::Task>> WorkflowTasks::serve(Task task) {
  const bool opened = co_await service_.open(task);
  if (!opened) co_return std::nullopt;
  if (only_asks(task)) {
    co_await answer_query(std::move(task));
    co_return std::nullopt;
  }
  const auto run_id = task.workflow_execution().run_id();
  if (auto refusal = poisoned_.refuses(run_id)) {
    co_await respond_failed(task, std::move(refusal->failure), !refusal->told);
    poisoned_.told(run_id);
    co_return std::nullopt;
  }
  const auto& metrics = metrics_.workflow(task.workflow_type().name());
  metrics.task_schedule_to_start_latency.observe(
      between(from_proto(task.scheduled_time()), from_proto(task.started_time())));
  const auto received = std::chrono::steady_clock::now();
  auto lease = co_await cache_.check_out(run_id);
  if (!co_await complete_history(task, lease)) co_return std::nullopt;

  const auto begun = std::chrono::steady_clock::now();
  auto activation = co_await activate(task, std::move(lease.run));
  metrics.task_execution_latency.observe(std::chrono::steady_clock::now() - begun);
  int local_retries = 0;
  if (activation->run && activation->outcome.waits) {
    const auto retries = co_await run_locals(task, activation, received);
    if (!retries) {
      evict(std::move(activation->run));
      co_return std::nullopt;
    }
    local_retries = *retries;
  }
  poisoned_.absolve(run_id);
  if (activation->outcome.failure) {
    co_await respond_failed(task, std::move(*activation->outcome.failure));
    co_return std::nullopt;
  }
  lease.run = std::move(activation->run);
  const bool keeps_run = lease.run && keeps_runs();
  auto completed =
      co_await respond(task, *activation, {.keeps_run = keeps_run, .local_retries = local_retries});
  if (completed && lease.run && completed->reset_history_event_id() != 0)
    lease.run->roll_back_to(completed->reset_history_event_id());
  // What the server did not take is in the run and not in its history.
  if (completed && keeps_run && keeps_runs())
    keep(std::move(lease));
  else
    evict(std::move(lease.run));
  if (!completed || completed->workflow_task().task_token().empty()) co_return std::nullopt;
  co_return std::move(*completed->mutable_workflow_task());
}

// The run goes on with what is new, or begins again with all of its history. False: there is
// nothing to go on with, and what was to be answered is answered.
asio::awaitable<bool> WorkflowTasks::complete_history(Task& task, RunCache::Lease& lease) {
  std::optional<engine::TaskFailure> unreadable;
  try {
    if (lease.run && continues(*lease.run, task)) {
      ++counts_.hits;
      co_await fetch_rest(service_, queue_.name_space, task);
      co_return true;
    }
    evict(std::move(lease.run));
    if (has_first_event(task)) {
      co_await fetch_rest(service_, queue_.name_space, task);
    } else {
      ++counts_.misses;
      co_await fetch_whole(service_, queue_.name_space, task);
    }
    co_return true;
  } catch (const RpcError& error) {
    // Gone: nobody waits for an answer.
    if (error.code() != RpcCode::not_found)
      unreadable = task_failure("HistoryUnavailable",
                                std::string("the history could not be read: ") + error.what());
  }
  evict(std::move(lease.run));
  if (unreadable) co_await respond_failed(task, std::move(*unreadable));
  co_return false;
}

void WorkflowTasks::forget_runs() {
  for (auto& run : cache_.clear()) destroy_later(std::move(run));
}

void WorkflowTasks::evict(Run run) {
  if (!run) return;
  ++counts_.evictions;
  destroy_later(std::move(run));
}

void WorkflowTasks::keep(RunCache::Lease lease) {
  for (auto& run : cache_.check_in(std::move(lease))) evict(std::move(run));
}

void WorkflowTasks::destroy_later(Run run) {
  asio::co_spawn(core_, destroy(std::move(run), running_.enter()),
                 bug("a run was not forgotten: this is a bug of the worker"));
}

asio::awaitable<void> WorkflowTasks::destroy(Run run, Gate::Pass) {
  LogFields line{{"workflow_type", run->info().workflow_type},
                 {"workflow_id", run->info().workflow_id},
                 {"run_id", run->info().run_id}};
  // Shared with the thread, as an activation is.
  WorkflowThreads::Work work = [held = std::make_shared<Run>(std::move(run))] { held->reset(); };
  const auto identity = std::make_shared<const TaskIdentity>(
      TaskFields{.workflow_type = line["workflow_type"].get_ref<const std::string&>(),
                 .workflow_id = line["workflow_id"].get_ref<const std::string&>(),
                 .run_id = line["run_id"].get_ref<const std::string&>()},
      poisoned_.note({}));
  auto end = co_await threads_.run(std::move(work), identity);
  if (end.returned) co_return;
  line["stack"] = std::move(end.stack);
  log_.error("[TMPRL1101] a destructor of workflow code does not return; its thread is lost", line);
}

std::function<void(std::exception_ptr)> WorkflowTasks::bug(const char* what) const {
  return [this, what](const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& bug) {
      log_.error(what, {{"error", bug.what()}});
    }
  };
}

api::taskqueue::v1::TaskQueue WorkflowTasks::sticky_queue() const {
  api::taskqueue::v1::TaskQueue queue;
  queue.set_name(queue_.sticky->name);
  queue.set_kind(enums::TASK_QUEUE_KIND_STICKY);
  queue.set_normal_name(queue_.task_queue);
  return queue;
}

engine::LogSink WorkflowTasks::log_sink() const {
  return [&log = log_](const workflow::Info& run, LogLevel level, std::string_view message,
                       const LogFields& more) {
    // It is workflow code that logs, and the log that looks at the clock.
    const workflow::unsafe::allow ours;
    LogFields line{{"workflow_type", run.workflow_type},
                   {"workflow_id", run.workflow_id},
                   {"run_id", run.run_id}};
    if (more.is_object()) line.update(more);
    log.write(level, message, line);
  };
}

LogFields WorkflowTasks::fields(const Task& task) const {
  return {{"workflow_type", task.workflow_type().name()},
          {"workflow_id", task.workflow_execution().workflow_id()},
          {"run_id", task.workflow_execution().run_id()}};
}

}  // namespace temporal::supervisor
