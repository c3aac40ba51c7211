// SPDX-License-Identifier: MIT
#include "supervisor/tasks/activity_tasks.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <limits>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/homes.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;

namespace {
constexpr std::chrono::seconds kLook{1};

const char* name_of(temporal::Executor home) {
  switch (home) {
    case temporal::Executor::child:
      return "children";
    case temporal::Executor::threads:
      return "threads";
    case temporal::Executor::loop:
      return "loops";
  }
  return "";
}

std::string sentence_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& bug) {
    return bug.what();
  } catch (...) {
    return "something that is no std::exception was thrown";
  }
}

}  // namespace

ActivityTasks::ActivityTasks(ActivityQueue queue, const Module& module, AttemptSettings& settings,
                             Permits& activities, Homes homes)
    : queue_(std::move(queue)),
      module_(module),
      settings_(settings),
      activities_(activities),
      homes_(homes),
      rate_(settings.core, queue_.per_second, settings.clock),
      eager_(settings.core,
             queue_.max_eager > 0 ? queue_.max_eager : std::numeric_limits<int>::max()),
      pollers_(settings.core),
      next_look_(settings.core),
      running_(settings.core),
      answered_(settings.core) {}

// A queue cannot be asked for one activity type: whatever comes must find its place free.
asio::awaitable<ActivityTasks::Places> ActivityTasks::reserve() {
  Places places;
  places.activity = co_await activities_.acquire();
  for (std::size_t i = 0; i < homes_.size(); ++i)
    if (homes_[i]) places.home[i] = co_await homes_[i]->places.acquire();
  co_return places;
}

asio::awaitable<void> ActivityTasks::turn() {
  auto places = co_await reserve();
  auto token = co_await rate_.acquire();
  if (pollers_.stopping()) co_return;
  ws::PollActivityTaskQueueRequest request;
  request.set_namespace_(queue_.name_space);
  request.mutable_task_queue()->set_name(queue_.task_queue);
  request.set_identity(queue_.identity);
  request.set_worker_instance_key(queue_.worker_instance_key);
  settings_.deployment.mark(request);
  if (queue_.queue_per_second > 0)
    request.mutable_task_queue_metadata()->mutable_max_tasks_per_second()->set_value(
        queue_.queue_per_second);
  auto task = co_await settings_.service.poll_activity_task_queue(std::move(request));
  if (task.task_token().empty()) {
    settings_.metrics.activity_poll_no_task.add();
    co_return;
  }
  token.spend();
  begin(std::move(task), std::move(places), false);
}

// An open poll holds a place in each home. Where activities come with workflow tasks as well, half of the places are left to
// those; the other half are not idle for it: a poll that has brought its task is followed by the next.
int ActivityTasks::polls_at_once() const noexcept {
  if (!queue_.eager) return queue_.pollers;
  int places = activities_.capacity();
  for (const auto* home : homes_)
    if (home) places = std::min(places, home->places.capacity());
  return std::clamp(places / 2, 1, queue_.pollers);
}

void ActivityTasks::set_pollers(int count) {
  queue_.pollers = count;
  pollers_.resize(0, polls_at_once());
}

void ActivityTasks::places_changed(bool fewer) {
  pollers_.resize(0, polls_at_once());
  if (!fewer || !pollers_.polling()) return;
  pollers_.pause();
  pollers_.resume();
}

// A limit on starts would have to be waited for, and the answer of a workflow task waits for nothing.
std::optional<ActivityTasks::Places> ActivityTasks::try_reserve(const std::string& type) {
  if (!pollers_.polling() || queue_.per_second > 0 || queue_.queue_per_second > 0)
    return std::nullopt;
  const auto* activity = module_.find_activity(type);
  if (!activity) return std::nullopt;
  const auto place = static_cast<std::size_t>(home_of(*activity, queue_.plain));
  auto eager = eager_.try_acquire();
  auto any = activities_.try_acquire();
  auto home = homes_[place] ? homes_[place]->places.try_acquire() : std::nullopt;
  if (!eager || !any || !home) return std::nullopt;
  Places places;
  places.eager = std::move(*eager);
  places.activity = std::move(*any);
  places.home[place] = std::move(*home);
  return places;
}

void ActivityTasks::take(ActivityTask task, Places places) {
  begin(std::move(task), std::move(places), true);
}

void ActivityTasks::begin(ActivityTask task, Places places, bool eager) {
  auto type = task.activity_type().name();
  auto id = task.activity_id();
  auto workflow = task.workflow_execution().workflow_id();
  asio::co_spawn(
      settings_.core, handle(std::move(task), std::move(places), eager, running_.enter()),
      [&log = settings_.log, type = std::move(type), id = std::move(id),
       workflow = std::move(workflow)](const std::exception_ptr& error) {
        if (!error) return;
        log.error(
            "an activity task was not answered, which is a bug of the worker: it is tried again "
            "after its timeout; please report this line",
            {{"activity_type", type},
             {"activity_id", id},
             {"workflow_id", workflow},
             {"error", sentence_of(error)}});
      });
}

// Who the steps of a stop, and each look, reach.
class ActivityTasks::Listed {
 public:
  Listed(ActivityTasks& tasks, Attempt& attempt, std::size_t home)
      : tasks_(tasks),
        here_(tasks.attempts_.insert(tasks.attempts_.end(), &attempt)),
        running_(tasks.running_in_[home]) {
    ++running_;
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() {
    --running_;
    tasks_.attempts_.erase(here_);
    if (!tasks_.attempts_.empty() || !tasks_.pollers_.stopping()) return;
    tasks_.looking_ = false;  // an open poll may still bring a task
    tasks_.next_look_.cancel();
  }

 private:
  ActivityTasks& tasks_;
  std::list<Attempt*>::iterator here_;
  int& running_;
};

asio::awaitable<void> ActivityTasks::handle(ActivityTask task, Places places, bool eager,
                                            Gate::Pass) {
  const bool opened = co_await settings_.service.open(task);
  if (!opened) co_return;
  const auto* activity = module_.find_activity(task.activity_type().name());
  if (!activity) co_return co_await refuse(std::move(task), eager);
  const auto place = static_cast<std::size_t>(home_of(*activity, queue_.plain));
  for (std::size_t i = 0; i < places.home.size(); ++i)
    if (i != place) places.home[i].release();

  Attempt attempt(settings_, std::move(task), eager, activity);
  const Listed listed(*this, attempt, place);
  if (shutdown_notice_) attempt.notify_shutdown();
  if (!looking_) look_at_attempts();
  co_await attempt.run(homes_[place]->executor);
}

// As long as there are some.
void ActivityTasks::look_at_attempts() {
  looking_ = true;
  next_look_.expires_after(kLook);
  next_look_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    looking_ = false;
    for (auto* attempt : attempts_) attempt->look();
    if (!attempts_.empty()) look_at_attempts();
  });
}

asio::awaitable<void> ActivityTasks::refuse(ActivityTask task, bool eager) {
  const auto type = task.activity_type().name();
  const auto workflow_type = task.workflow_type().name();
  std::string known;
  for (const auto& [registered, definition] : module_.activities())
    known += (known.empty() ? "" : ", ") + registered;
  api::failure::v1::Failure failure;
  to_failure_proto(ApplicationError("this worker has no activity '" + type + "'; it has: " + known,
                                    {.type = "NotFoundError"}),
                   &failure);
  Attempt attempt(settings_, std::move(task), eager);
  settings_.metrics.unregistered_activity(type, workflow_type, eager);
  co_await attempt.refuse(std::move(failure));
}

int ActivityTasks::slots() const noexcept {
  int places = 0;
  for (const auto* home : homes_)
    if (home) places += home->places.capacity();
  return std::min(activities_.capacity(), places);
}

LogFields ActivityTasks::tasks(std::size_t most) const {
  auto told = LogFields::array();
  for (const auto* attempt : attempts_) {
    if (told.size() == most) break;
    told.push_back(attempt->view());
    if (const auto* activity = module_.find_activity(attempt->task().activity_type().name()))
      told.back()["home"] = name_of(home_of(*activity, queue_.plain));
  }
  return told;
}

std::vector<Attempt*> ActivityTasks::named(const std::string& name) const {
  std::vector<Attempt*> found;
  for (auto* attempt : attempts_) {
    const auto& task = attempt->task();
    const auto& id = task.activity_id();
    if (name == id || name == task.workflow_execution().workflow_id() + "/" + id ||
        (attempt->pid() > 0 && name == std::to_string(attempt->pid())))
      found.push_back(attempt);
  }
  return found;
}

LogFields ActivityTasks::homes() const {
  auto told = LogFields::object();
  for (std::size_t i = 0; i < homes_.size(); ++i)
    if (homes_[i])
      told[name_of(static_cast<temporal::Executor>(i))] = {
          {"running", running_in_[i]}, {"places", homes_[i]->places.capacity()}};
  return told;
}

bool ActivityTasks::homes_up() const noexcept {
  return std::ranges::all_of(homes_,
                             [](const auto* home) { return !home || home->places.capacity() > 0; });
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

asio::awaitable<void> ActivityTasks::abandon_all() {
  for (auto* attempt : attempts_) {
    ++unanswered_;
    attempt->abandon([this] {
      --unanswered_;
      answered_.notify();
    });
  }
  while (unanswered_ > 0) co_await answered_.wait();
}

}  // namespace temporal::supervisor
