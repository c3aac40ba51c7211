// SPDX-License-Identifier: MIT
// A workflow task whose code waits for local activities: it stays open until they are over, and is renewed before the server would
// give it to somebody else.
#include <algorithm>
#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/tasks/workflow_tasks.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

using Steady = std::chrono::steady_clock;

// Of the time that the server allows a workflow task.
constexpr double kRenewAfter = 0.8;
constexpr Duration kDefaultTaskTimeout = std::chrono::seconds(10);

Steady::duration renew_after(const engine::WorkflowRun& run) {
  auto timeout = run.info().task_timeout;
  if (timeout <= Duration::zero()) timeout = kDefaultTaskTimeout;
  return std::chrono::duration_cast<Steady::duration>(timeout * kRenewAfter);
}

}  // namespace

// Attempts that nobody was told of yet, for the answer. Nothing: there is nothing to answer any more; the task was lost, or the
// worker stops.
asio::awaitable<std::optional<int>> WorkflowTasks::run_locals(
    Task& task, std::shared_ptr<Activation>& activation, Steady::time_point received) {
  LocalCalls::Run calls(locals_, {.workflow_id = task.workflow_execution().workflow_id(),
                                  .run_id = task.workflow_execution().run_id(),
                                  .workflow_type = task.workflow_type().name()});
  auto due = received + renew_after(*activation->run);
  for (;;) {
    calls.cancel(activation->outcome.local_cancels);
    calls.start(std::exchange(activation->outcome.local_calls, {}));
    if (!activation->outcome.waits) co_return calls.take_retries();
    // The task has brought a question: who asked does not wait for what the code waits for.
    if (!activation->answers.empty()) due = Steady::now();
    auto next = co_await calls.next(due);
    if (next.stopped) co_return std::nullopt;
    if (next.result) {
      activation = co_await resolve(task, std::move(activation), std::move(*next.result));
      continue;
    }
    const bool renewed = co_await renew(task, activation, calls.take_retries());
    if (!renewed) co_return std::nullopt;
    calls.renewed();
    if (activation->run) due = Steady::now() + renew_after(*activation->run);
  }
}

asio::awaitable<std::shared_ptr<WorkflowTasks::Activation>> WorkflowTasks::resolve(
    const Task& task, std::shared_ptr<Activation> activation, engine::LocalResult result) {
  WorkflowThreads::Work work = [activation, result = std::move(result), keeps = keeps_runs(),
                                bounds = bounds()]() mutable {
    advance(*activation, bounds, [&] { return activation->run->resolve(std::move(result)); });
    if (activation->is_over(keeps)) activation->run.reset();
  };
  co_return co_await step(task, std::move(activation), std::move(work));
}

// What is known so far is written, and the answer brings the task that goes on.
asio::awaitable<bool> WorkflowTasks::renew(Task& task, std::shared_ptr<Activation>& activation,
                                           int retries) {
  auto completed = co_await respond(
      task, *activation, {.keeps_run = keeps_runs(), .renews = true, .local_retries = retries});
  if (!completed || completed->workflow_task().task_token().empty()) co_return false;
  auto& run = activation->run;
  if (completed->reset_history_event_id() != 0)
    run->roll_back_to(completed->reset_history_event_id());
  task = std::move(*completed->mutable_workflow_task());
  const bool opened = co_await service_.open(task);
  if (!opened) co_return false;
  if (!continues(*run, task)) co_return false;
  try {
    co_await fetch_rest(service_, queue_.name_space, task);
  } catch (const RpcError& error) {
    auto line = fields(task);
    line["error"] = error.what();
    log_.debug("a renewed workflow task is given up: its history could not be read", line);
    co_return false;
  }
  activation = co_await activate(task, std::move(run));
  co_return true;
}

}  // namespace temporal::supervisor
