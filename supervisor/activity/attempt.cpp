// SPDX-License-Identifier: MIT
#include "supervisor/activity/attempt.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/activity/failures.hpp"
#include "supervisor/activity/graces.hpp"
#include "supervisor/rpc/retry.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace failure = api::failure::v1;

namespace {

// `execution` is forgotten the moment it is gone: a cancellation or a notice may come before the
// answer is sent.
asio::awaitable<Ending> ending_of(Executor& executor, const ActivityTask& task, Link link,
                                  Execution*& execution) {
  Ending ending;
  try {
    ending = co_await executor.run(task, std::move(link));
  } catch (...) {
    failure::Failure proto;
    to_failure_proto(std::current_exception(), &proto);
    ending.how = Threw{std::move(proto)};
  }
  execution = nullptr;
  co_return ending;
}

std::size_t largest_payload(const api::common::v1::Payloads& payloads) {
  std::size_t largest = 0;
  for (const auto& payload : payloads.payloads())
    largest = std::max(largest, payload.ByteSizeLong());
  return largest;
}

}  // namespace

Attempt::Attempt(AttemptSettings& settings, ActivityTask task, bool eager,
                 const detail::ActivityDefinition* activity)
    : settings_(settings),
      task_(std::move(task)),
      metrics_(settings.metrics.activity(task_.activity_type().name(), task_.workflow_type().name(),
                                         eager)),
      heartbeat_(
          settings.core, settings.service, settings.log, settings.clock,
          {.token = task_.task_token(),
           .name_space = settings.name_space,
           .identity = settings.identity,
           .interval = heartbeat_interval(from_proto(task_.heartbeat_timeout()), settings.throttle),

           .ids = [this] { return fields(); }}),
      abandoned_(settings.core),
      beats_ended_(settings.core),
      arrived_(settings.clock.now()),
      limits_(activity ? activity->limits : ActivityLimits{}),
      auto_heartbeat_(activity ? activity->auto_heartbeat : Duration{}) {
  if (auto_heartbeat_.count() > 0) newest_ = task_.heartbeat_details();
  metrics_.task_received.add();
  metrics_.schedule_to_start_latency.observe(between(
      from_proto(task_.current_attempt_scheduled_time()), from_proto(task_.started_time())));
}

asio::awaitable<void> Attempt::run(Executor& executor) {
  if (executor.may_block() && settings_.slow_task.count() > 0)
    note_slow_at_ = arrived_ + settings_.slow_task;
  Link link{.started = [this](Execution& execution) { begun(execution); },
            .heartbeat = [this] { beat(); },
            .metrics = metrics_.user,
            .term_grace = limits_.term_grace,
            .memory = limits_.memory};
  auto ending = co_await ending_of(executor, task_, std::move(link), execution_);
  if (std::exchange(over_, true)) {
    while (abandoning_) co_await abandoned_.wait();
    co_return;
  }
  if (beating_) co_await end_beats();
  metrics_.execution_latency.observe(settings_.clock.now() - arrived_);
  co_await respond(std::move(ending));
}

void Attempt::begun(Execution& execution) {
  execution_ = &execution;
  // Both may have been asked for while the activity waited for its place.
  if (shutdown_notice_) execution.notify_shutdown();
  if (cancelled_) execution.cancel(*cancelled_);
  beat();
}

// Who takes a heartbeat and finds none is called for the next one.
void Attempt::beat() {
  heartbeat_.arrived();
  if (beating_ || !execution_) return;
  auto take = [this]() -> std::optional<api::common::v1::Payloads> {
    if (!execution_) return std::nullopt;
    auto said = execution_->take_heartbeat();
    if (auto_heartbeat_.count() == 0) return said;
    if (said) newest_ = said;
    const bool owed = std::exchange(owes_beat_, false);
    return said || !owed ? said : newest_;
  };
  auto details = take();
  if (!details) return;
  beating_ = true;
  asio::co_spawn(
      settings_.core,
      heartbeat_.run(std::move(details), take, [this](CancelReason reason) { cancel(reason); }),
      asio::bind_cancellation_slot(stop_beats_.slot(), [this](const std::exception_ptr&) {
        beating_ = false;
        beats_ended_.notify();
      }));
}

asio::awaitable<void> Attempt::end_beats() {
  stop_beats_.emit(asio::cancellation_type::terminal);
  while (beating_) co_await beats_ended_.wait();
}

asio::awaitable<void> Attempt::refuse(failure::Failure failure) {
  co_await respond_failed(std::move(failure));
}

void Attempt::notify_shutdown() {
  shutdown_notice_ = true;
  if (execution_) execution_->notify_shutdown();
}

void Attempt::cancel(CancelReason reason) {
  if (cancelled_) return;
  cancelled_ = reason;
  settings_.log.debug("an activity is asked to stop", fields());
  // The stop of the worker has steps of its own.
  if (reason != CancelReason::worker_shutdown)
    terminate_after(grace_of(limits_.cancel_grace, settings_.cancel_grace));
  if (execution_) execution_->cancel(reason);
}

void Attempt::terminate_after(std::optional<std::chrono::nanoseconds> grace) {
  if (grace) terminate_at_ = std::min(terminate_at_, settings_.clock.now() + *grace);
}

void Attempt::terminate() {
  if (execution_) execution_->terminate();
}

bool Attempt::kill() { return execution_ && execution_->kill(); }

LogFields Attempt::view() const {
  const auto since = [now = settings_.clock.now()](Clock::TimePoint then) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count();
  };
  auto view = fields();
  view["pid"] = pid();
  view["incarnation"] = execution_ ? execution_->incarnation() : 0;
  view["age_ms"] = since(arrived_);
  view["heartbeat_ms"] = since(heartbeat_.last_sent());
  return view;
}

// What it needs is kept by run(), which waits for `abandoning_`.
void Attempt::abandon(std::function<void()> answered) {
  if (std::exchange(over_, true)) return answered();
  abandoning_ = true;
  asio::co_spawn(settings_.core, answer_in_its_place(),
                 [this, answered = std::move(answered)](const std::exception_ptr&) {
                   abandoning_ = false;
                   abandoned_.notify();
                   answered();
                 });
}

asio::awaitable<void> Attempt::answer_in_its_place() {
  settings_.log.warn("an activity does not end: it is left behind", fields());
  Ending ending{ThrewCancelled{}};
  if (execution_) ending.last_heartbeat = execution_->take_heartbeat();
  execution_ = nullptr;
  if (beating_) co_await end_beats();
  co_await respond(std::move(ending));
}

void Attempt::look() {
  if (over_) return;
  const auto now = settings_.clock.now();
  // Blocking code may take hours, and a home that may block is the place for it: a note, no
  // warning.
  if (now >= note_slow_at_) {
    note_slow_at_ = Clock::TimePoint::max();
    auto line = fields();
    line["for_ms"] = settings_.slow_task.count();
    settings_.log.info("an activity takes long", line);
  }
  if (now >= terminate_at_) {
    terminate_at_ = Clock::TimePoint::max();
    terminate();
  }
  if (auto_heartbeat_.count() > 0 && execution_) beat_for_it(now);
  if (overran_ || now < deadline()) return;
  overran_ = true;
  terminate_after(grace_of(limits_.timeout_grace, settings_.timeout_grace));
  settings_.log.warn(
      "an activity overran its timeout; the server has given it up, so it is stopped", fields());
  // Whatever it was cancelled for before, from now on the server takes no answer.
  cancelled_ = CancelReason::timed_out;
  if (execution_) execution_->cancel(CancelReason::timed_out);
}

// Only for what gets on: a beat for code that hangs would hide that it does.
void Attempt::beat_for_it(Clock::TimePoint now) {
  const auto progress = execution_->progress();
  if (progress == progress_ || now - heartbeat_.last_sent() < auto_heartbeat_) return;
  progress_ = progress;
  owes_beat_ = true;
  beat();
}

// The server owns the timeouts. But when the two are cut off from each other it cannot say so, and
// an activity that ignores its deadline must not keep its place for ever.
Clock::TimePoint Attempt::deadline() const {
  const auto start_to_close = from_proto(task_.start_to_close_timeout());
  const auto between_beats = from_proto(task_.heartbeat_timeout());
  auto deadline = Clock::TimePoint::max();
  if (start_to_close > Duration::zero() && start_to_close < std::chrono::hours(24 * 365))
    deadline = arrived_ + start_to_close + settings_.local_timeout_buffer;
  if (between_beats > Duration::zero())
    deadline =
        std::min(deadline, heartbeat_.last_sent() + between_beats + settings_.local_timeout_buffer);
  return deadline;
}

asio::awaitable<void> Attempt::respond(Ending ending) {
  if (std::holds_alternative<CompletesLater>(ending.how)) {
    settings_.log.debug("an activity is left for others to complete", fields());
    co_return;
  }
  unsent_ = ending.last_heartbeat ? std::move(ending.last_heartbeat) : heartbeat_.unsent();
  const bool given_up = cancelled_ == CancelReason::timed_out || cancelled_ == CancelReason::gone;
  if (given_up) {
    settings_.log.debug("the server has given this activity up: nothing is reported", fields());
  } else if (auto* returned = std::get_if<Returned>(&ending.how)) {
    co_await respond_completed(*returned);
  } else if (auto* stopped = std::get_if<ThrewCancelled>(&ending.how)) {
    co_await respond_canceled(*stopped);
  } else {
    auto& threw = std::get<Threw>(ending.how);
    if (threw.died && settings_.crash_non_retryable_after > 0) count_crash(threw.failure);
    if (!threw.killed_here || cancelled_ != CancelReason::worker_shutdown)
      co_return co_await respond_failed(std::move(threw.failure));
    ThrewCancelled killed;  // by us, because it did not stop: not a crash of its own
    co_await respond_canceled(killed);
  }
}

// A poison task must not go round for ever. The run's id is part of its name: a later run may give the same id to another.
void Attempt::count_crash(failure::Failure& failure) {
  const int crashes =
      settings_.crashes.add(task_.workflow_execution().run_id() + "/" + task_.activity_id());
  if (crashes < settings_.crash_non_retryable_after) return;
  failure.set_message(failure.message() + "; it is not tried again, because its process has died " +
                      std::to_string(crashes) + " times here (--crash-non-retryable-after)");
  failure.mutable_application_failure_info()->set_non_retryable(true);
}

template <class Request>
Request Attempt::request() const {
  Request request;
  request.set_task_token(task_.task_token());
  request.set_namespace_(settings_.name_space);
  request.set_identity(settings_.identity);
  settings_.deployment.mark(request);
  return request;
}

asio::awaitable<void> Attempt::respond_completed(Returned& ending) {
  if (largest_payload(ending.result) > settings_.blob_limit) {
    co_return co_await respond_failed(application_failure(
        "PayloadTooLarge",
        "the result is larger than the " + std::to_string(settings_.blob_limit) +
            " bytes the server takes; store it elsewhere and return its address",
        true));
  }
  auto completed = request<ws::RespondActivityTaskCompletedRequest>();
  *completed.mutable_result() = std::move(ending.result);
  std::optional<failure::Failure> refused;
  try {
    co_await settings_.service.respond_activity_task_completed(std::move(completed));
    // The server's clock up to the start, ours since: the two need not agree.
    metrics_.succeed_endtoend_latency.observe(
        between(from_proto(task_.scheduled_time()), from_proto(task_.started_time())) +
        (settings_.clock.now() - arrived_));
  } catch (const RpcError& error) {
    note_refused("the server did not take an activity's result", error);
    if (error.code() == RpcCode::invalid_argument)
      refused = application_failure("ResultRefused", error.what());
  }
  if (refused) co_await respond_failed(std::move(*refused));
}

// A cancellation left the function; what that means depends on who asked for it.
asio::awaitable<void> Attempt::respond_canceled(ThrewCancelled& ending) {
  if (cancelled_ == CancelReason::requested) {
    metrics_.execution_cancelled.add();
    if (ending.details.ByteSizeLong() > settings_.blob_limit) leave_out_details(ending.details);
    auto canceled = request<ws::RespondActivityTaskCanceledRequest>();
    *canceled.mutable_details() = std::move(ending.details);
    try {
      co_await settings_.service.respond_activity_task_canceled(std::move(canceled));
    } catch (const RpcError& error) {
      note_refused("the server did not take an activity's cancellation", error);
    }
    co_return;
  }
  if (cancelled_ == CancelReason::paused)
    co_return co_await respond_failed(
        application_failure("ActivityPause", "the activity was paused"));
  if (cancelled_ == CancelReason::reset)
    co_return co_await respond_failed(
        application_failure("ActivityReset", "the activity was reset"));
  if (cancelled_ == CancelReason::worker_shutdown)
    co_return co_await respond_failed(application_failure(
        "WorkerShutdown",
        "the worker stopped before the activity was done; another attempt follows"));
  auto unasked = application_failure(
      "temporal::Cancelled", "the activity threw Cancelled, but nobody had asked it to stop");
  if (ending.details.payloads_size() > 0)
    *unasked.mutable_application_failure_info()->mutable_details() = std::move(ending.details);
  co_await respond_failed(std::move(unasked));
}

asio::awaitable<void> Attempt::respond_failed(failure::Failure failure) {
  failure = as_application_failure(std::move(failure));
  auto failed = request<ws::RespondActivityTaskFailedRequest>();
  const bool benign = failure.application_failure_info().category() ==
                      api::enums::v1::APPLICATION_ERROR_CATEGORY_BENIGN;
  if (!benign) metrics_.execution_failed.add();
  auto line = fields();
  line["failure"] = failure.message();
  line["type"] = failure.application_failure_info().type();
  settings_.log.write(benign ? LogLevel::debug : LogLevel::warn, "an activity failed", line);
  if (failure.ByteSizeLong() > settings_.blob_limit) leave_out_details(failure);
  *failed.mutable_failure() = std::move(failure);
  // What the activity said last and the server never heard goes out in the same call: the next
  // attempt reads it.
  if (unsent_ && unsent_->ByteSizeLong() <= settings_.blob_limit)
    *failed.mutable_last_heartbeat_details() = *unsent_;
  if (co_await send_failed(failed)) co_return;
  // For its size, most likely: without an answer the attempt would hang until its timeout.
  const bool had_beat = failed.has_last_heartbeat_details();
  failed.clear_last_heartbeat_details();
  if (leave_out_details(*failed.mutable_failure()) || had_beat) co_await send_failed(failed);
}

// False: the server refused it as it is.
asio::awaitable<bool> Attempt::send_failed(const ws::RespondActivityTaskFailedRequest& failed) {
  try {
    co_await settings_.service.respond_activity_task_failed(failed);
  } catch (const RpcError& error) {
    note_refused("the server did not take an activity's failure", error);
    const CallResult refused{error.code(), error.what(), {}};
    co_return refused.code != RpcCode::invalid_argument && !is_message_too_large(refused);
  }
  co_return true;
}

// A task that the server has forgotten meanwhile (it timed out, its workflow is closed) is everyday
// life.
void Attempt::note_refused(std::string_view message, const RpcError& error) {
  auto line = fields();
  line["error"] = error.what();
  settings_.log.write(error.code() == RpcCode::not_found ? LogLevel::debug : LogLevel::warn,
                      message, line);
}

LogFields Attempt::fields() const {
  LogFields fields{{"activity_type", task_.activity_type().name()},
                   {"activity_id", task_.activity_id()},
                   {"workflow_type", task_.workflow_type().name()},
                   {"workflow_id", task_.workflow_execution().workflow_id()},
                   {"run_id", task_.workflow_execution().run_id()},
                   {"attempt", task_.attempt()},
                   {"task_queue", settings_.task_queue},
                   {"namespace", task_.workflow_namespace()}};
  if (cancelled_) fields["reason"] = to_string(*cancelled_);
  return fields;
}

}  // namespace temporal::supervisor
