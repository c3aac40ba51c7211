// SPDX-License-Identifier: MIT
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/homes.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/activity/failures.hpp"
#include "supervisor/tasks/local_call_parts.hpp"
#include "supervisor/workflow/local_retry.hpp"
#include "supervisor/workflow/machines/local_activity.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace enums = api::enums::v1;
using api::failure::v1::Failure;
using std::chrono::steady_clock;

namespace {

Failure timeout_failure(enums::TimeoutType kind, const char* message) {
  Failure failure;
  failure.set_message(message);
  failure.set_source(kFailureSource);
  failure.mutable_timeout_failure_info()->set_timeout_type(kind);
  return failure;
}

Failure cancelled_failure(api::common::v1::Payloads details) {
  auto failure = engine::cancelled_failure();
  *failure.mutable_canceled_failure_info()->mutable_details() = std::move(details);
  return failure;
}

Time wall_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

}  // namespace

asio::awaitable<void> Alarm::wait_until(TimePoint until) {
  timer_.expires_at(until);
  boost::system::error_code rung;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, rung));
}

LocalCalls::Call::Call(LocalCalls& all, std::shared_ptr<const Owner> owner, engine::LocalCall call,
                       std::shared_ptr<Inbox> inbox)
    : all_(all),
      here_(all.calls_.insert(all.calls_.end(), this)),
      owner_(std::move(owner)),
      call_(std::move(call)),
      inbox_(std::move(inbox)),
      metrics_(all.settings_.metrics.local_activity(call_.activity_type, owner_->workflow_type)),
      scheduled_(call_.scheduled.value_or(wall_now())),
      scheduled_here_(steady_clock::now() -
                      std::max<Duration>(wall_now() - scheduled_, Duration::zero())),
      began_(steady_clock::now()),
      alarm_(all.settings_.core) {
  metrics_.total.add();
}

LocalCalls::Call::~Call() { all_.calls_.erase(here_); }

void LocalCalls::Call::start() {
  asio::co_spawn(all_.settings_.core, run(shared_from_this()), asio::detached);
}

void LocalCalls::Call::cancel(CancelReason reason) {
  if (cancelled_) return;
  cancelled_ = reason;
  if (running_) running_->cancel(reason);
  alarm_.ring();
}

void LocalCalls::Call::stop() {
  leave();
  cancel(CancelReason::worker_shutdown);
}

asio::awaitable<void> LocalCalls::Call::run(std::shared_ptr<Call>) {
  const auto pass = all_.inside_.enter();
  auto result = co_await attempts();
  if (running_) running_->forget();
  if (!inbox_ || inbox_->closed) co_return;
  inbox_->ends.push_back(std::move(result));
  inbox_->alarm.ring();
}

asio::awaitable<engine::LocalResult> LocalCalls::Call::attempts() {
  engine::LocalResult result;
  result.seq = call_.seq;
  result.scheduled = scheduled_;
  for (int number = call_.attempt;; ++number) {
    if (number > call_.attempt && inbox_ && inbox_->renewed) ++inbox_->retries;
    result.attempt = number;
    result.outcome = co_await attempt(number);
    result.run_time = steady_clock::now() - began_;
    const auto* failure = std::get_if<Failure>(&result.outcome);
    if (!failure || cancelled_ || !inbox_) co_return result;  // for nobody it is not tried again
    const auto again = engine::decide_retry(call_, number, *failure, scheduled_, wall_now());
    if (!again.delay) co_return result;
    if (*again.delay > call_.retry_threshold) {
      result.backoff = again.delay;
      co_return result;
    }
    const auto due = steady_clock::now() + *again.delay;
    while (!cancelled_ && steady_clock::now() < due) co_await alarm_.wait_until(due);
    if (!cancelled_) continue;
    result.outcome = cancelled_failure({});
    co_return result;
  }
}

asio::awaitable<LocalCalls::Call::Outcome> LocalCalls::Call::attempt(int number) {
  if (auto no_place = co_await get_place()) co_return std::move(*no_place);
  const auto* activity = all_.module_.find_activity(call_.activity_type);
  if (!activity || std::ranges::none_of(all_.executors_, [](auto* home) { return home; }))
    co_return refused(no_such_activity(), number);
  const auto home = home_of(*activity, all_.settings_.plain);
  if (home == temporal::Executor::child && !all_.settings_.children)
    co_return refused(
        application_failure(
            "NoPlaceError",
            "local activity '" + call_.activity_type +
                "' is a plain function, and this worker has no child for it: allow some with "
                "--offload-children, or register it for threads",
            true),
        number);
  auto* executor = all_.executors_[static_cast<std::size_t>(home)];
  running_ = std::make_shared<Attempt>(all_, std::move(place_), alarm_);
  const auto started = steady_clock::now();
  running_->start(*executor, task(number), metrics_.user, activity->limits);

  const auto whole = after(call_.schedule_to_close_timeout);
  const auto alone = call_.start_to_close_timeout > Duration::zero()
                         ? started + call_.start_to_close_timeout
                         : TimePoint::max();
  const auto deadline = std::min(whole, alone);
  while (!running_->ending() && steady_clock::now() < deadline)
    co_await alarm_.wait_until(deadline);
  const auto ended = std::exchange(running_, nullptr);
  ended->forget();
  metrics_.execution_latency.observe(steady_clock::now() - started);
  if (ended->ending()) co_return outcome_of(*ended, number);
  // Whatever it still does is nobody's business, but it is to end.
  ended->cancel(CancelReason::timed_out);
  metrics_.execution_failed.add();
  co_return whole <= alone ? timeout_failure(enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE,
                                             "the local activity did not end in time")
                           : timeout_failure(enums::TIMEOUT_TYPE_START_TO_CLOSE,
                                             "an attempt of the local activity took too long");
}

// Nothing: it is there. Otherwise what came first.
asio::awaitable<std::optional<LocalCalls::Call::Outcome>> LocalCalls::Call::get_place() {
  const auto whole = after(call_.schedule_to_close_timeout);
  const auto start = after(call_.schedule_to_start_timeout);
  const auto deadline = std::min(whole, start);
  if (!place_ && all_.places_.free() > 0) {
    place_ = co_await all_.places_.acquire();
  } else if (!place_ && !std::exchange(wants_place_, true)) {
    asio::co_spawn(all_.settings_.core, wait_for_place(shared_from_this()), asio::detached);
  }
  while (!place_ && !cancelled_ && steady_clock::now() < deadline)
    co_await alarm_.wait_until(deadline);
  if (cancelled_) co_return cancelled_failure({});
  if (steady_clock::now() < deadline) co_return std::nullopt;
  co_return whole <= start ? timeout_failure(enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE,
                                             "the local activity did not end in time")
                           : timeout_failure(enums::TIMEOUT_TYPE_SCHEDULE_TO_START,
                                             "the local activity found no free place in time; see "
                                             "--max-concurrent-local-activities");
}

// Beside the call, which may give up on it.
asio::awaitable<void> LocalCalls::Call::wait_for_place(std::shared_ptr<Call>) {
  const auto pass = all_.inside_.enter();
  auto place = co_await all_.places_.acquire();
  wants_place_ = false;
  place_ = std::move(place);
  alarm_.ring();
}

LocalCalls::Call::Outcome LocalCalls::Call::outcome_of(Attempt& attempt, int number) {
  auto& how = attempt.ending()->how;
  if (auto* returned = std::get_if<Returned>(&how)) {
    for (const auto& payload : returned->result.payloads())
      if (payload.ByteSizeLong() > all_.settings_.blob_limit)
        return refused(
            application_failure(
                "PayloadTooLarge",
                "the result is larger than the " + std::to_string(all_.settings_.blob_limit) +
                    " bytes the server takes; store it elsewhere and return its address",
                true),
            number);
    metrics_.succeed_endtoend_latency.observe(steady_clock::now() - scheduled_here_);
    return std::move(returned->result);
  }
  if (auto* stopped = std::get_if<ThrewCancelled>(&how)) {
    if (attempt.cancelled()) {
      metrics_.execution_cancelled.add();
      return cancelled_failure(std::move(stopped->details));
    }
    return refused(
        application_failure("temporal::Cancelled",
                            "the activity threw Cancelled, but nobody had asked it to stop"),
        number);
  }
  if (std::holds_alternative<CompletesLater>(how)) {
    return refused(application_failure("CompleteAsync",
                                       "a local activity cannot be completed by others: the "
                                       "server does not know it",
                                       true),
                   number);
  }
  return refused(as_application_failure(std::move(std::get<Threw>(how).failure)), number);
}

// A failure as history is to keep it.
LocalCalls::Call::Outcome LocalCalls::Call::refused(Failure failure, int number) {
  if (failure.ByteSizeLong() > all_.settings_.blob_limit) leave_out_details(failure);
  const bool benign =
      failure.application_failure_info().category() == enums::APPLICATION_ERROR_CATEGORY_BENIGN;
  if (!benign) metrics_.execution_failed.add();
  all_.log(benign ? LogLevel::debug : LogLevel::warn, "a local activity failed", *owner_, call_,
           number, failure.message());
  return failure;
}

Failure LocalCalls::Call::no_such_activity() const {
  std::string known;
  for (const auto& [name, activity] : all_.module_.activities())
    known += (known.empty() ? "" : ", ") + name;
  const bool any = std::ranges::any_of(all_.executors_, [](auto* home) { return home; });
  return application_failure(
      "NotFoundError",
      any ? "this worker has no activity '" + call_.activity_type + "'; it has: " + known
          : "local activity '" + call_.activity_type +
                "' has no worker to run in: this one runs no activities (--workflows-only, or its "
                "modules register none)");
}

ActivityTask LocalCalls::Call::task(int number) const {
  ActivityTask task;
  task.set_activity_id(call_.activity_id);
  task.mutable_activity_type()->set_name(call_.activity_type);
  *task.mutable_input() = call_.arguments;
  *task.mutable_header() = call_.header;
  task.mutable_workflow_execution()->set_workflow_id(owner_->workflow_id);
  task.mutable_workflow_execution()->set_run_id(owner_->run_id);
  task.mutable_workflow_type()->set_name(owner_->workflow_type);
  task.set_workflow_namespace(all_.settings_.name_space);
  task.set_attempt(number);
  to_proto(scheduled_, task.mutable_scheduled_time());
  const auto now = wall_now();
  to_proto(now, task.mutable_current_attempt_scheduled_time());
  to_proto(now, task.mutable_started_time());
  if (call_.schedule_to_close_timeout > Duration::zero())
    to_proto(call_.schedule_to_close_timeout, task.mutable_schedule_to_close_timeout());
  if (call_.start_to_close_timeout > Duration::zero())
    to_proto(call_.start_to_close_timeout, task.mutable_start_to_close_timeout());
  *task.mutable_retry_policy() = call_.retry;
  return task;
}

LocalCalls::Call::TimePoint LocalCalls::Call::after(Duration timeout) const {
  if (timeout <= Duration::zero() || TimePoint::max() - scheduled_here_ < timeout)
    return TimePoint::max();
  return scheduled_here_ + timeout;
}

}  // namespace temporal::supervisor
