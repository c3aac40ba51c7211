// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/activity.hpp"

#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "supervisor/workflow/machines/on_cancel.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;
using api::failure::v1::Failure;

//  state       on                  →  state       and
//  created     cancel(), any kind     done        drop ScheduleActivityTask: never sent;
//                                                 the future is cancelled
//  created     Scheduled              scheduled   compare
//  scheduled   Started                started     (the server writes it late, or never)
//  scheduled,  Completed, Failed,     done        the future is done
//  started     TimedOut, Canceled
//  scheduled,  cancel(), try          detached    RequestCancelActivityTask;
//  started                                        the future is cancelled at once
//              cancel(), wait         cancelling  RequestCancelActivityTask; the future waits
//              cancel(), abandon      detached    the future is cancelled at once
//  cancelling  cancel(), wait         cancelling  nothing: the server refuses a second request
//              CancelRequested        cancelling  compare
//              Started                cancelling
//              Completed, Failed, …   done        the future is done
//  detached    CancelRequested        detached    compare
//              Started                detached
//              Completed, Failed, …   done        nobody waits any more
const std::array<Transition<Activity>, 32>& Activity::table() {
  using S = State;
  using A = Activity;
  static constexpr std::array<Transition<Activity>, 32> kTable{{
      {S::created, kTryCancel, S::done, &A::drop},
      {S::created, kWaitCancel, S::done, &A::drop},
      {S::created, kAbandon, S::done, &A::drop},
      {S::created, enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, S::scheduled, &A::check_scheduled},

      {S::scheduled, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED, S::started, nullptr},
      {S::scheduled, enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, S::done, &A::completed},
      {S::scheduled, enums::EVENT_TYPE_ACTIVITY_TASK_FAILED, S::done, &A::failed},
      {S::scheduled, enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, S::done, &A::timed_out},
      {S::scheduled, enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED, S::done, &A::canceled},
      {S::scheduled, kTryCancel, S::detached, &A::request_and_leave},
      {S::scheduled, kWaitCancel, S::cancelling, &A::request},
      {S::scheduled, kAbandon, S::detached, &A::leave},

      {S::started, enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, S::done, &A::completed},
      {S::started, enums::EVENT_TYPE_ACTIVITY_TASK_FAILED, S::done, &A::failed},
      {S::started, enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, S::done, &A::timed_out},
      {S::started, enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED, S::done, &A::canceled},
      {S::started, kTryCancel, S::detached, &A::request_and_leave},
      {S::started, kWaitCancel, S::cancelling, &A::request},
      {S::started, kAbandon, S::detached, &A::leave},

      {S::cancelling, kWaitCancel, S::cancelling, nullptr},
      {S::cancelling, enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED, S::cancelling,
       &A::check_cancel_requested},
      {S::cancelling, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED, S::cancelling, nullptr},
      {S::cancelling, enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, S::done, &A::completed},
      {S::cancelling, enums::EVENT_TYPE_ACTIVITY_TASK_FAILED, S::done, &A::failed},
      {S::cancelling, enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, S::done, &A::timed_out},
      {S::cancelling, enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED, S::done, &A::canceled},

      {S::detached, enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED, S::detached,
       &A::check_cancel_requested},
      {S::detached, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED, S::detached, nullptr},
      {S::detached, enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_ACTIVITY_TASK_FAILED, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED, S::done, nullptr},
  }};
  return kTable;
}

std::string_view Activity::name_of(State state) {
  switch (state) {
    case State::created:
      return "created";
    case State::scheduled:
      return "scheduled";
    case State::started:
      return "started";
    case State::cancelling:
      return "cancelling";
    case State::detached:
      return "detached";
    case State::done:
      return "done";
  }
  return "unknown";
}

Activity::Activity(MachineHost& host, const Command& command, OnCancel on_cancel,
                   workflow::detail::PayloadFuture future)
    : host_(host),
      id_(command.schedule_activity_task_command_attributes().activity_id()),
      type_(command.schedule_activity_task_command_attributes().activity_type().name()),
      on_cancel_(on_cancel),
      future_(std::move(future)) {}

void Activity::schedule(MachineHost& host, Command command, OnCancel on_cancel,
                        workflow::detail::PayloadFuture future) {
  std::shared_ptr<Activity> activity(new Activity(host, command, on_cancel, std::move(future)));
  activity->schedule_ = host.issue(activity, std::move(command));
  activity->future_->set_on_cancel(asking(activity, &Activity::cancel));
}

void Activity::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

void Activity::cancel() { step(*this, state_, table(), asked_by(on_cancel_), nullptr); }

void Activity::drop(const HistoryEvent*) {
  if (auto schedule = schedule_.lock()) schedule->dropped = true;
  leave(nullptr);
}

void Activity::check_scheduled(const HistoryEvent* event) {
  scheduled_event_id_ = event->event_id();
  const auto& recorded = event->activity_task_scheduled_event_attributes();
  if (host_.uses(CoreFlag::id_and_type_checks) &&
      (recorded.activity_id() != id_ || recorded.activity_type().name() != type_))
    throw mismatch(*event, *schedule_.lock());
}

void Activity::request_and_leave(const HistoryEvent*) {
  request(nullptr);
  leave(nullptr);
}

void Activity::request(const HistoryEvent*) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK);
  command.mutable_request_cancel_activity_task_command_attributes()->set_scheduled_event_id(
      scheduled_event_id_);
  host_.issue(shared_from_this(), std::move(command));
}

void Activity::leave(const HistoryEvent*) {
  auto failure = wrap("Activity cancelled");
  failure.mutable_activity_failure_info()->set_retry_state(enums::RETRY_STATE_CANCEL_REQUESTED);
  failure.mutable_cause()->set_message("the activity was cancelled");
  failure.mutable_cause()->set_source(kFailureSource);
  failure.mutable_cause()->mutable_canceled_failure_info();
  future_->fail(exception_from(failure));
}

void Activity::check_cancel_requested(const HistoryEvent* event) {
  const auto recorded =
      event->activity_task_cancel_requested_event_attributes().scheduled_event_id();
  if (recorded == scheduled_event_id_) return;
  throw Nondeterminism(event->event_id(), "history cancels the activity that event " +
                                              std::to_string(recorded) +
                                              " scheduled, the code cancelled the one that event " +
                                              std::to_string(scheduled_event_id_) + " scheduled");
}

void Activity::completed(const HistoryEvent* event) {
  host_.resolve(succeeding(future_, event->activity_task_completed_event_attributes().result()));
}

void Activity::failed(const HistoryEvent* event) {
  const auto& recorded = event->activity_task_failed_event_attributes();
  auto failure = wrap("Activity task failed");
  auto* info = failure.mutable_activity_failure_info();
  info->set_started_event_id(recorded.started_event_id());
  info->set_identity(recorded.identity());
  info->set_retry_state(recorded.retry_state());
  *failure.mutable_cause() = recorded.failure();
  fail(std::move(failure));
}

void Activity::timed_out(const HistoryEvent* event) {
  const auto& recorded = event->activity_task_timed_out_event_attributes();
  auto failure = wrap("Activity task timed out");
  auto* info = failure.mutable_activity_failure_info();
  info->set_started_event_id(recorded.started_event_id());
  info->set_retry_state(recorded.retry_state());
  *failure.mutable_cause() = recorded.failure();
  fail(std::move(failure));
}

void Activity::canceled(const HistoryEvent* event) {
  const auto& recorded = event->activity_task_canceled_event_attributes();
  auto failure = wrap("Activity cancelled");
  auto* info = failure.mutable_activity_failure_info();
  info->set_started_event_id(recorded.started_event_id());
  info->set_identity(recorded.identity());
  info->set_retry_state(enums::RETRY_STATE_CANCEL_REQUESTED);
  failure.mutable_cause()->set_message("the activity was cancelled");
  auto* cancelled = failure.mutable_cause()->mutable_canceled_failure_info();
  if (recorded.has_details()) *cancelled->mutable_details() = recorded.details();
  fail(std::move(failure));
}

void Activity::fail(Failure failure) {
  host_.resolve([future = future_, error = exception_from(failure)] { future->fail(error); });
}

Failure Activity::wrap(const char* message) const {
  auto failure = activity_failure(id_, type_, message);
  failure.mutable_activity_failure_info()->set_scheduled_event_id(scheduled_event_id_);
  return failure;
}

}  // namespace temporal::engine
