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
// In a hurry: from SIGKILL to those.
constexpr auto kAfterKill = 1s;
constexpr auto kHurriedGoodbye = 500ms;

asio::awaitable<void> for_ever() {
  for (;;) co_await pause(std::chrono::hours(24));
}
}  // namespace

// Wherever the order is when somebody gets into a hurry: what is in children ends now.
asio::awaitable<void> QueueWorker::stop(Hurry& hurry) {
  auto by_force = [&]() -> asio::awaitable<void> {
    co_await hurry.asked();
    end_by_force();
    if (pool()) pool()->kill_all();
    co_await for_ever();  // until the other one is done
  };
  co_await first_of(stop_in_order(hurry), by_force());
}

asio::awaitable<void> QueueWorker::stop_in_order(Hurry& hurry) {
  if (workflow_tasks_) workflow_tasks_->stop_polling();
  if (activity_tasks_) activity_tasks_->stop_polling();
  if (activity_tasks_) activity_tasks_->notify_shutdown();
  if (local_calls_) local_calls_->notify_shutdown();
  if (pool()) pool()->notify_shutdown();
  auto goodbye_over = [&]() -> asio::awaitable<void> {
    co_await hurry.asked();
    co_await pause(kHurriedGoodbye);
  };
  if (polling()) co_await first_of(announce_stop(), goodbye_over());
  co_await end_polling_in(hurry);
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
asio::awaitable<void> QueueWorker::end_polling_in(Hurry& hurry) {
  const bool polls_end =
      name_space_.namespace_info().capabilities().worker_poll_complete_on_shutdown();
  const milliseconds patience = polls_end ? 5s : 1s;
  const auto ended = co_await first_of(end_polling(patience), hurry.asked());
  if (ended != 0) co_await end_polling(0ms);
}

asio::awaitable<void> QueueWorker::end_polling(milliseconds patience) {
  using namespace asio::experimental::awaitable_operators;
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
  if (!hurry.is_asked()) {
    if (activity_tasks_) activity_tasks_->cancel_all(CancelReason::worker_shutdown);
    if (local_calls_) local_calls_->stop();
    const bool complied = co_await activities_drained_within(kAfterCancel, hurry);
    if (complied) co_return;
  }
  if (!hurry.is_asked()) {
    if (activity_tasks_) activity_tasks_->terminate_all();
    if (local_calls_) local_calls_->terminate_all();
    const bool ended = co_await activities_drained_within(options_.term_grace + 2s, hurry);
    if (ended) co_return;
  }
  if (hurry.is_asked()) {
    end_by_force();  // a poll may have brought more meanwhile
    const bool ended = co_await within(kAfterKill, activities_drained());
    if (ended) co_return;
  }
  if (activity_tasks_) co_await within(kLastAnswers, activity_tasks_->abandon_all());
}

asio::awaitable<bool> QueueWorker::activities_drained_within(milliseconds bound, Hurry& hurry) {
  auto patience = [&]() -> asio::awaitable<void> {
    co_await first_of(pause(bound), hurry.asked());
  };
  const auto first = co_await first_of(activities_drained(), patience());
  co_return first == 0;
}

// Each is told why first: an answer says so.
void QueueWorker::end_by_force() {
  if (activity_tasks_) activity_tasks_->cancel_all(CancelReason::worker_shutdown);
  if (local_calls_) local_calls_->stop();
  if (activity_tasks_) activity_tasks_->terminate_all();
  if (local_calls_) local_calls_->terminate_all();
  if (!pool()) return;
  pool()->stop_accepting();
  pool()->kill_tasks();
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
