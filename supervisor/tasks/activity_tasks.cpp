// SPDX-License-Identifier: MIT
#include "supervisor/tasks/activity_tasks.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "shared/failure_proto.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;

ActivityTasks::ActivityTasks(ActivityQueue queue, const Module& module, AttemptSettings& settings,
                             Permits& activities, Home* children, Home* loop)
    : queue_(std::move(queue)),
      module_(module),
      settings_(settings),
      activities_(activities),
      children_(children),
      loop_(loop),
      pollers_(settings.core),
      running_(settings.core) {}

// A queue cannot be asked for one activity type: whatever comes must find its place free.
asio::awaitable<ActivityTasks::Places> ActivityTasks::reserve() {
  Places places;
  places.activity = co_await activities_.acquire();
  if (children_) places.child = co_await children_->places.acquire();
  if (loop_) places.loop = co_await loop_->places.acquire();
  co_return places;
}

asio::awaitable<void> ActivityTasks::turn() {
  auto places = co_await reserve();
  if (pollers_.stopping()) co_return;
  ws::PollActivityTaskQueueRequest request;
  request.set_namespace_(queue_.name_space);
  request.mutable_task_queue()->set_name(queue_.task_queue);
  request.set_identity(queue_.identity);
  request.set_worker_instance_key(queue_.worker_instance_key);
  auto task = co_await settings_.service.poll_activity_task_queue(std::move(request));
  if (task.task_token().empty()) co_return;
  asio::co_spawn(settings_.core, handle(std::move(task), std::move(places), running_.enter()),
                 [&log = settings_.log](std::exception_ptr error) {
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& bug) {
                     log.error("an activity task was not answered: this is a bug of the worker",
                               {{"error", bug.what()}});
                   }
                 });
}

asio::awaitable<void> ActivityTasks::handle(ActivityTask task, Places places, Gate::Pass) {
  const auto name = task.activity_type().name();
  auto activity = module_.activities().find(name);
  Home* home = nullptr;
  if (activity != module_.activities().end())
    home = activity->second.executor == temporal::Executor::loop ? loop_ : children_;

  Attempt attempt(settings_, std::move(task));
  if (!home) {
    std::string known;
    for (const auto& [registered, definition] : module_.activities())
      known += (known.empty() ? "" : ", ") + registered;
    api::failure::v1::Failure failure;
    to_failure_proto(
        ApplicationError("this worker has no activity '" + name + "'; it has: " + known,
                         {.type = "NotFoundError"}),
        &failure);
    co_return co_await attempt.refuse(std::move(failure));
  }
  (home == children_ ? places.loop : places.child).release();

  const auto here = attempts_.insert(attempts_.end(), &attempt);
  if (shutdown_notice_) attempt.notify_shutdown();
  co_await attempt.run(home->executor);
  attempts_.erase(here);
}

void ActivityTasks::notify_shutdown() {
  shutdown_notice_ = true;
  for (auto* attempt : attempts_) attempt->notify_shutdown();
}

void ActivityTasks::cancel_all(CancelReason reason) {
  for (auto* attempt : attempts_) attempt->cancel(reason);
}

void ActivityTasks::terminate_all() {
  for (auto* attempt : attempts_) attempt->terminate();
}

}  // namespace temporal::supervisor
