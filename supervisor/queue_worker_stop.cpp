// SPDX-License-Identifier: MIT
// How a worker stops: no new tasks, time for what runs, then force, and no task that is neither answered nor another's.
#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "supervisor/children/child_pool.hpp"
#include "supervisor/queue_worker.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

namespace {

// From "cancel what runs" to SIGTERM.
constexpr auto kAfterCancel = 3s;
// For the answers in place of code that never ended.
constexpr auto kLastAnswers = 2s;
}  // namespace

asio::awaitable<void> QueueWorker::stop(Hurry& hurry) {
  if (workflow_tasks_) workflow_tasks_->stop_polling();
  if (activity_tasks_) activity_tasks_->stop_polling();
  if (activity_tasks_) activity_tasks_->notify_shutdown();
  if (local_calls_) local_calls_->notify_shutdown();
  if (pool()) pool()->notify_shutdown();
  if (polling()) co_await announce_stop();
  co_await end_polling();
  if (activity_tasks_ || local_calls_) co_await drain_activities(hurry);
  if (local_calls_) local_calls_->stop();  // what a task may still ask for is another worker's
  if (workflow_tasks_) {
    co_await within(5s, workflow_tasks_->drained());
    workflow_tasks_->forget_runs();
    co_await within(5s, workflow_tasks_->drained());
  }
  if (pool()) co_await pool()->stop();
}

// The server moves what it keeps for this worker to others.
asio::awaitable<void> QueueWorker::announce_stop() {
  ws::ShutdownWorkerRequest request;
  request.set_namespace_(options_.name_space);
  request.set_identity(options_.identity);
  request.set_worker_instance_key(instance_key_);
  request.set_task_queue(options_.task_queue);
  request.set_sticky_task_queue(sticky_queue_);
  if (workflow_tasks_) request.add_task_queue_types(enums::TASK_QUEUE_TYPE_WORKFLOW);
  if (activity_tasks_) request.add_task_queue_types(enums::TASK_QUEUE_TYPE_ACTIVITY);
  request.set_reason("the worker is stopping");
  try {
    co_await service_->shutdown_worker(std::move(request));
  } catch (const RpcError& error) {
    log_.debug("the server was not told of the stop", {{"error", error.what()}});
  }
}

// Some servers end the open polls now by themselves. A task that comes with one is still served.
asio::awaitable<void> QueueWorker::end_polling() {
  using namespace asio::experimental::awaitable_operators;
  const bool polls_end =
      name_space_.namespace_info().capabilities().worker_poll_complete_on_shutdown();
  const auto patience = polls_end ? 5s : 1s;
  auto activities = [&]() -> asio::awaitable<void> {
    if (activity_tasks_) co_await activity_tasks_->end_polling(patience);
  };
  auto workflows = [&]() -> asio::awaitable<void> {
    if (workflow_tasks_) co_await workflow_tasks_->end_polling(patience);
  };
  co_await (activities() && workflows());
}

// What local activities have to say is in their workflow tasks, which are open until then.
asio::awaitable<void> QueueWorker::drain_activities(Hurry& hurry) {
  if (running_activities() > 0)
    log_.info("waiting for activities to end",
              {{"running", running_activities()}, {"grace_ms", options_.grace.count()}});
  auto patient = [&]() -> asio::awaitable<void> {
    co_await within(options_.grace, activities_drained());
  };
  co_await first_of(patient(), hurry.asked());
  if (running_activities() == 0) co_return;
  log_.info("cancelling the activities that are left", {{"running", running_activities()}});
  if (activity_tasks_) activity_tasks_->cancel_all(CancelReason::worker_shutdown);
  if (local_calls_) local_calls_->stop();
  if (co_await within(kAfterCancel, activities_drained())) co_return;
  if (activity_tasks_) activity_tasks_->terminate_all();
  if (local_calls_) local_calls_->terminate_all();
  if (co_await within(options_.term_grace + 2s, activities_drained())) co_return;
  if (activity_tasks_) co_await within(kLastAnswers, activity_tasks_->abandon_all());
}

asio::awaitable<void> QueueWorker::activities_drained() {
  if (activity_tasks_) co_await activity_tasks_->drained();
  if (local_calls_) co_await local_calls_->drained();
}

int QueueWorker::running_activities() const {
  return (activity_tasks_ ? activity_tasks_->running() : 0) +
         (local_calls_
              ? std::max({local_calls_->waiting(), local_calls_->open(), local_calls_->running()})
              : 0);
}

bool QueueWorker::user_code_left() const {
  return (workflow_threads_ && workflow_threads_->lost() > 0) ||
         (workflow_tasks_ && workflow_tasks_->running() > 0) ||
         (activity_tasks_ && activity_tasks_->running() > 0) ||
         (local_calls_ && local_calls_->running() > 0) || (homes_ && homes_->threads_busy()) ||
         (coder_ && coder_->busy());
}

}  // namespace temporal::supervisor
