// SPDX-License-Identifier: MIT
// What of a workflow task runs on a workflow thread, and what is made of code that does not come back, asks the world, or takes
// too much memory.
#include <utility>

#include "supervisor/tasks/task_failures.hpp"
#include "supervisor/tasks/task_messages.hpp"
#include "supervisor/tasks/workflow_tasks.hpp"
#include "supervisor/threads/symbols.hpp"
#include "supervisor/threads/tripwire.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

engine::TaskFailure too_large(const engine::WorkflowRun& run, std::size_t most) {
  return task_failure("RunTooLarge",
                      "workflow code of type " + run.info().workflow_type + " holds " +
                          std::to_string(run.bytes()) + " bytes in this run, and " +
                          std::to_string(most) +
                          " are allowed: keep less, continue as new, or raise --max-run-bytes");
}

std::shared_ptr<const TaskIdentity> identity_of(const PolledWorkflowTask& task, std::string note) {
  return std::make_shared<const TaskIdentity>(
      TaskFields{.workflow_type = task.workflow_type().name(),
                 .workflow_id = task.workflow_execution().workflow_id(),
                 .run_id = task.workflow_execution().run_id(),
                 .attempt = static_cast<std::uint32_t>(task.attempt())},
      std::move(note));
}

}  // namespace

asio::awaitable<std::shared_ptr<WorkflowTasks::Activation>> WorkflowTasks::activate(Task& task,
                                                                                    Run run) {
  auto activation = std::make_shared<Activation>();
  activation->run = std::move(run);
  activation->input.history.Swap(task.mutable_history());
  activation->input.previous_started_event_id = task.previous_started_event_id();
  activation->input.started_event_id = task.started_event_id();
  activation->input.updates = updates_of(task);
  activation->has_news = !only_asks(task) || activation->input.history.events_size() > 0;
  activation->queries = queries_of(task);
  std::function<Run()> make_run;
  if (!activation->run) make_run = run_maker(task);
  // Named: GCC 12 destroys a closure twice that is written inside a co_await expression.
  WorkflowThreads::Work work = [activation, make_run = std::move(make_run), keeps = keeps_runs(),
                                bounds = bounds()] {
    auto& run = activation->run;
    if (make_run) run = make_run();
    if (activation->has_news)
      advance(*activation, bounds, [&] { return run->activate(std::move(activation->input)); });
    activation->input = {};
    if (!activation->outcome.failure)
      for (const auto& query : activation->queries)
        activation->answers.push_back(run->answer(query));
    if (activation->is_over(keeps)) run.reset();
  };
  co_return co_await step(task, std::move(activation), std::move(work));
}

// On a workflow thread, which is left behind when the code does not come back.
asio::awaitable<std::shared_ptr<WorkflowTasks::Activation>> WorkflowTasks::step(
    const Task& task, std::shared_ptr<Activation> activation, WorkflowThreads::Work work) {
  // A question that nobody answers is asked again, or given up, by who asked it.
  auto note = poisoned_.note(only_asks(task) ? std::string_view() : task.task_token());
  auto end = co_await threads_.run(std::move(work), identity_of(task, std::move(note)));
  if (end.returned) {
    if (activation->trip) co_await judge(task, activation);
    co_return activation;
  }
  metrics_.deadlock(task.workflow_type().name());
  auto lost = std::make_shared<Activation>();
  lost->outcome.failure = task_failure(
      "DeadlockDetected",
      "[TMPRL1101] Potential deadlock: workflow code of type " + task.workflow_type().name() +
          " held its thread for " + seconds_text(queue_.deadlock_timeout) +
          " without waiting for anything. Move what blocks or computes into an activity, or raise "
          "--deadlock-timeout. It is in: " +
          stack_text(end.stack));
  lost->outcome.failure->failure.set_stack_trace(join(end.stack, "\n"));
  co_return lost;
}

// On a workflow thread.
void WorkflowTasks::advance(Activation& activation, Bounds bounds,
                            const std::function<engine::TaskOutcome()>& step) {
  if (bounds.guard == DeterminismGuard::off) {
    activation.outcome = step();
  } else {
    const Tripwire tripwire;
    activation.outcome = step();
    activation.trip = tripwire.tripped();
  }
  auto& outcome = activation.outcome;
  if (outcome.failure) return;
  if (activation.trip && bounds.guard != DeterminismGuard::log) {
    outcome = {};
    outcome.failure.emplace();  // judge() words it
  } else if (bounds.run_bytes > 0 && activation.run->bytes() > bounds.run_bytes) {
    outcome = {};
    outcome.failure = too_large(*activation.run, bounds.run_bytes);
  }
}

// The first look at symbols reads those of all objects: not while workflow code is timed.
asio::awaitable<void> WorkflowTasks::judge(const Task& task,
                                           std::shared_ptr<Activation> activation) {
  Violation violation{activation->trip->call, {}};
  metrics_.determinism_violation(violation.call.name);
  WorkflowThreads::Work work = [activation, stack = &violation.stack] {
    *stack = printed(activation->trip->where);
  };
  co_await threads_.run_unwatched(std::move(work));
  auto& failure = activation->outcome.failure;
  if (failure && failure->text.empty())
    failure = task_failure(violation, task.workflow_type().name());
  if (queue_.determinism_guard != DeterminismGuard::log) co_return;
  auto line = fields(task);
  line["call"] = violation.call.name;
  line["stack"] = violation.stack;
  log_.warn(std::string("workflow code does what a replay cannot repeat; ") + violation.call.advice,
            line);
}

std::function<WorkflowTasks::Run()> WorkflowTasks::run_maker(const Task& task) const {
  engine::RunContext context{.workflow_namespace = queue_.name_space,
                             .workflow_id = task.workflow_execution().workflow_id(),
                             .run_id = task.workflow_execution().run_id(),
                             .workflow_type = task.workflow_type().name(),
                             .task_queue = queue_.task_queue,
                             .deployment_name = queue_.deployment.name(),
                             .build_id = queue_.deployment.build_id(),
                             .server_keeps_sdk_metadata = queue_.server_keeps_sdk_metadata};
  return [&module = module_, context = std::move(context), log = log_sink(),
          metrics = metrics_.workflow(task.workflow_type().name()).user]() mutable {
    return std::make_unique<engine::WorkflowRun>(module, std::move(context), std::move(log),
                                                 std::move(metrics));
  };
}

}  // namespace temporal::supervisor
