// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/child.hpp"

#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/cancel_external.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;
using api::failure::v1::Failure;

namespace {

// What code asks when it cancels, by the child's OnChildCancel.
constexpr int kWaitCompleted = kCancel;
constexpr int kWaitRequested = kCancel - 1;
constexpr int kTryCancel = kCancel - 2;
constexpr int kAbandon = kCancel - 3;
// History says that the child was asked to stop; that is enough under wait_requested.
constexpr int kAsked = kCancel - 4;
constexpr int kAskedEnough = kCancel - 5;

int asked_by(OnChildCancel on_cancel) {
  switch (on_cancel) {
    case OnChildCancel::wait_completed:
      return kWaitCompleted;
    case OnChildCancel::wait_requested:
      return kWaitRequested;
    case OnChildCancel::try_cancel:
      return kTryCancel;
    case OnChildCancel::abandon:
      return kAbandon;
  }
  return kCancel;
}

}  // namespace

//  state       on                         →  state       and
//  created     cancel(), any kind            done        drop StartChild…: never sent; both futures,
//                                                        start and result, are cancelled
//  created     Initiated                     initiated   compare
//  initiated   Started                       started     the start is done
//              StartFailed                   done        both futures fail
//  started     Completed, Failed, Canceled,  done        the result is done
//              TimedOut, Terminated
//  initiated,  cancel(), wait                cancelling  RequestCancelExternal…; the futures wait
//  started     cancel(), try                 detached    RequestCancelExternal…; the futures are
//                                                        cancelled at once
//              cancel(), abandon             detached    the futures are cancelled at once
//  cancelling  cancel(), wait                cancelling  nothing: it was asked
//              asked, wait_completed         cancelling
//              asked, wait_requested         detached    the futures are cancelled
//              Started                       cancelling  the start is done; if the request came too
//                                                        early for the server, once more
//              StartFailed                   done        both futures fail
//              Completed, Failed, …          done        the result is done
//  detached    asked, Started                detached
//              StartFailed, Completed, …     done        nobody waits any more
const std::array<Transition<Child>, 39>& Child::table() {
  using S = State;
  using C = Child;
  static constexpr std::array<Transition<Child>, 39> kTable{{
      {S::created, kWaitCompleted, S::done, &C::drop},
      {S::created, kWaitRequested, S::done, &C::drop},
      {S::created, kTryCancel, S::done, &C::drop},
      {S::created, kAbandon, S::done, &C::drop},
      {S::created, enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, S::initiated,
       &C::check_initiated},

      {S::initiated, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, S::started, &C::started},
      {S::initiated, enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED, S::done,
       &C::start_failed},
      {S::initiated, kWaitCompleted, S::cancelling, &C::request},
      {S::initiated, kWaitRequested, S::cancelling, &C::request},
      {S::initiated, kTryCancel, S::detached, &C::request_and_leave},
      {S::initiated, kAbandon, S::detached, &C::leave},

      {S::started, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, S::done, &C::completed},
      {S::started, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED, S::done, &C::failed},
      {S::started, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED, S::done, &C::canceled},
      {S::started, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT, S::done, &C::timed_out},
      {S::started, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED, S::done, &C::terminated},
      {S::started, kWaitCompleted, S::cancelling, &C::request},
      {S::started, kWaitRequested, S::cancelling, &C::request},
      {S::started, kTryCancel, S::detached, &C::request_and_leave},
      {S::started, kAbandon, S::detached, &C::leave},

      {S::cancelling, kWaitCompleted, S::cancelling, nullptr},
      {S::cancelling, kWaitRequested, S::cancelling, nullptr},
      {S::cancelling, kAsked, S::cancelling, nullptr},
      {S::cancelling, kAskedEnough, S::detached, &C::leave_when_read},
      {S::cancelling, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, S::cancelling,
       &C::started},
      {S::cancelling, enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED, S::done,
       &C::start_failed},
      {S::cancelling, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, S::done, &C::completed},
      {S::cancelling, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED, S::done, &C::failed},
      {S::cancelling, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED, S::done, &C::canceled},
      {S::cancelling, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT, S::done, &C::timed_out},
      {S::cancelling, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED, S::done,
       &C::terminated},

      {S::detached, kAsked, S::detached, nullptr},
      {S::detached, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, S::detached, nullptr},
      {S::detached, enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT, S::done, nullptr},
      {S::detached, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED, S::done, nullptr},
  }};
  return kTable;
}

std::string_view Child::name_of(State state) {
  switch (state) {
    case State::created:
      return "created";
    case State::initiated:
      return "initiated";
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

Child::Child(MachineHost& host, const Command& command, OnChildCancel on_cancel, Start start,
             std::function<std::string()> why)
    : host_(host),
      id_(command.start_child_workflow_execution_command_attributes().workflow_id()),
      type_(command.start_child_workflow_execution_command_attributes().workflow_type().name()),
      on_cancel_(on_cancel),
      start_(std::move(start)),
      why_(std::move(why)) {}

void Child::start(MachineHost& host, Command command, OnChildCancel on_cancel, Start start,
                  std::function<std::string()> why) {
  std::shared_ptr<Child> child(
      new Child(host, command, on_cancel, std::move(start), std::move(why)));
  child->command_ = host.issue(child, std::move(command));
  child->start_->set_on_cancel(asking(child, &Child::cancel));
  child->start_->result->set_on_cancel(asking(child, &Child::cancel));
}

void Child::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

std::source_location Child::awaited_at() const noexcept {
  const auto where = start_->where();
  return where.line() != 0 ? where : start_->result->where();
}

void Child::cancel() { step(*this, state_, table(), asked_by(on_cancel_), nullptr); }

void Child::drop(const HistoryEvent*) {
  if (auto command = command_.lock()) command->dropped = true;
  leave(nullptr);
}

void Child::check_initiated(const HistoryEvent* event) {
  initiated_event_id_ = event->event_id();
  const auto& recorded = event->start_child_workflow_execution_initiated_event_attributes();
  if (host_.uses(CoreFlag::id_and_type_checks) &&
      (recorded.workflow_id() != id_ || recorded.workflow_type().name() != type_))
    throw mismatch(*event, *command_.lock());
  id_ = recorded.workflow_id();
}

void Child::started(const HistoryEvent* event) {
  started_event_id_ = event->event_id();
  run_id_ =
      event->child_workflow_execution_started_event_attributes().workflow_execution().run_id();
  if (too_early_) request(nullptr);
  host_.resolve([start = start_, id = id_, run_id = run_id_] {
    start->workflow_id = id;
    start->run_id = run_id;
    start->succeed();
  });
}

void Child::start_failed(const HistoryEvent* event) {
  const auto cause = event->start_child_workflow_execution_failed_event_attributes().cause();
  std::exception_ptr error;
  if (cause == enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS) {
    ChildWorkflowError::Where where;
    where.workflow_id = id_;
    where.workflow_type = type_;
    where.initiated_event_id = initiated_event_id_;
    error = std::make_exception_ptr(ChildWorkflowAlreadyStartedError(
        "Child Workflow execution already started: id '" + id_ + "'", where, nullptr));
  } else {
    auto failure = wrap("Child Workflow execution did not start", enums::RETRY_STATE_UNSPECIFIED);
    failure.mutable_cause()->set_message(enums::StartChildWorkflowExecutionFailedCause_Name(cause));
    failure.mutable_cause()->set_source(kFailureSource);
    failure.mutable_cause()->mutable_server_failure_info()->set_non_retryable(true);
    error = exception_from(failure);
  }
  host_.resolve([start = start_, error] {
    start->fail(error);
    start->result->fail(error);
  });
}

void Child::request(const HistoryEvent*) {
  too_early_ = false;
  const auto& own = start_->result->cancel_reason;
  CancelExternal::request(host_, {id_, run_id_, true}, own.empty() ? why_() : own,
                          [weak = weak_from_this()](const std::exception_ptr& error) {
                            if (auto self = std::static_pointer_cast<Child>(weak.lock()))
                              self->asked(error);
                          });
}

// Not reached: it is over, as history will say, or has not begun.
void Child::asked(const std::exception_ptr& error) {
  if (error)
    too_early_ = run_id_.empty();
  else
    step(*this, state_, table(),
         on_cancel_ == OnChildCancel::wait_requested ? kAskedEnough : kAsked, nullptr);
}

void Child::request_and_leave(const HistoryEvent*) {
  request(nullptr);
  leave(nullptr);
}

void Child::leave(const HistoryEvent*) {
  const auto error = cancelled("Child Workflow execution cancelled");
  start_->fail(error);
  start_->result->fail(error);
}

void Child::leave_when_read(const HistoryEvent*) {
  host_.resolve([start = start_, error = cancelled("Child Workflow execution cancelled")] {
    start->fail(error);
    start->result->fail(error);
  });
}

void Child::completed(const HistoryEvent* event) {
  host_.resolve(succeeding(start_->result,
                           event->child_workflow_execution_completed_event_attributes().result()));
}

void Child::failed(const HistoryEvent* event) {
  const auto& recorded = event->child_workflow_execution_failed_event_attributes();
  auto failure = wrap("Child Workflow execution failed", recorded.retry_state());
  *failure.mutable_cause() = recorded.failure();
  fail(failure);
}

void Child::canceled(const HistoryEvent* event) {
  const auto& recorded = event->child_workflow_execution_canceled_event_attributes();
  auto failure = wrap("Child Workflow execution cancelled", enums::RETRY_STATE_CANCEL_REQUESTED);
  failure.mutable_cause()->set_message("the child workflow was cancelled");
  auto* cancelled = failure.mutable_cause()->mutable_canceled_failure_info();
  if (recorded.has_details()) *cancelled->mutable_details() = recorded.details();
  fail(failure);
}

void Child::timed_out(const HistoryEvent* event) {
  const auto& recorded = event->child_workflow_execution_timed_out_event_attributes();
  auto failure = wrap("Child Workflow execution timed out", recorded.retry_state());
  failure.mutable_cause()->set_message("the child workflow timed out");
  failure.mutable_cause()->mutable_timeout_failure_info()->set_timeout_type(
      enums::TIMEOUT_TYPE_START_TO_CLOSE);
  fail(failure);
}

void Child::terminated(const HistoryEvent*) {
  auto failure =
      wrap("Child Workflow execution terminated", enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
  failure.mutable_cause()->set_message("the child workflow was terminated");
  failure.mutable_cause()->mutable_terminated_failure_info();
  fail(failure);
}

void Child::fail(const Failure& failure) {
  host_.resolve(
      [result = start_->result, error = exception_from(failure)] { result->fail(error); });
}

std::exception_ptr Child::cancelled(const char* message) const {
  auto failure = wrap(message, enums::RETRY_STATE_CANCEL_REQUESTED);
  failure.mutable_cause()->set_message("the child workflow was cancelled");
  failure.mutable_cause()->set_source(kFailureSource);
  failure.mutable_cause()->mutable_canceled_failure_info();
  return exception_from(failure);
}

Failure Child::wrap(const char* message, enums::RetryState retry_state) const {
  Failure failure;
  failure.set_message(message);
  failure.set_source(kFailureSource);
  auto* info = failure.mutable_child_workflow_execution_failure_info();
  info->mutable_workflow_execution()->set_workflow_id(id_);
  info->mutable_workflow_execution()->set_run_id(run_id_);
  info->mutable_workflow_type()->set_name(type_);
  info->set_initiated_event_id(initiated_event_id_);
  info->set_started_event_id(started_event_id_);
  info->set_retry_state(retry_state);
  return failure;
}

}  // namespace temporal::engine
