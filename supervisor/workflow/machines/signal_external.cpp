// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/signal_external.hpp"

#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

//  state    on               →  state  and
//  created  cancel()            done   drop SignalExternal…: never sent; the future is cancelled
//  created  SignalInitiated     sent   compare
//  sent     cancel()            sent   nothing: it is on its way
//  sent     Signaled            done   the future is done
//  sent     SignalFailed        done   the future fails
const std::array<Transition<SignalExternal>, 5>& SignalExternal::table() {
  using S = State;
  using M = SignalExternal;
  static constexpr std::array<Transition<SignalExternal>, 5> kTable{{
      {S::created, kCancel, S::done, &M::drop},
      {S::created, enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, S::sent,
       &M::check},
      {S::sent, kCancel, S::sent, nullptr},
      {S::sent, enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED, S::done, &M::signaled},
      {S::sent, enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED, S::done, &M::failed},
  }};
  return kTable;
}

std::string_view SignalExternal::name_of(State state) {
  switch (state) {
    case State::created:
      return "created";
    case State::sent:
      return "sent";
    case State::done:
      return "done";
  }
  return "unknown";
}

void SignalExternal::send(MachineHost& host, Command command,
                          workflow::detail::PlainFuture future) {
  std::shared_ptr<SignalExternal> signal(new SignalExternal(host, std::move(future)));
  signal->send_ = host.issue(signal, std::move(command));
  signal->future_->set_on_cancel(asking(signal, &SignalExternal::cancel));
}

void SignalExternal::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

void SignalExternal::cancel() { step(*this, state_, table(), kCancel, nullptr); }

void SignalExternal::drop(const HistoryEvent*) {
  if (auto send = send_.lock()) send->dropped = true;
  future_->fail(std::make_exception_ptr(Cancelled("the signal was cancelled before it was sent")));
}

void SignalExternal::check(const HistoryEvent* event) {
  const auto& recorded = event->signal_external_workflow_execution_initiated_event_attributes();
  const auto pending = send_.lock();
  const auto& issued = pending->command.signal_external_workflow_execution_command_attributes();
  if (recorded.workflow_execution().workflow_id() != issued.execution().workflow_id() ||
      recorded.signal_name() != issued.signal_name())
    throw mismatch(*event, *pending);
}

void SignalExternal::signaled(const HistoryEvent*) {
  host_.resolve([future = future_] { future->succeed(); });
}

void SignalExternal::failed(const HistoryEvent* event) {
  using Reason = ExternalWorkflowError::Reason;
  const auto& recorded = event->signal_external_workflow_execution_failed_event_attributes();
  const auto& target = recorded.workflow_execution();
  std::string why = "workflow '" + target.workflow_id() + "' could not be signalled: ";
  const auto reason = static_cast<Reason>(recorded.cause());
  if (reason == Reason::not_found)
    why += "no such workflow runs";
  else if (reason == Reason::too_many_signals)
    why += "it has as many signals as the server allows";
  else
    why += enums::SignalExternalWorkflowExecutionFailedCause_Name(recorded.cause());
  const auto error = std::make_exception_ptr(
      ExternalWorkflowError(std::move(why), target.workflow_id(), target.run_id(), reason));
  host_.resolve([future = future_, error] { future->fail(error); });
}

Command signal_command(const workflow::detail::Target& target, const workflow::Call& signal) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION);
  auto* attributes = command.mutable_signal_external_workflow_execution_command_attributes();
  attributes->mutable_execution()->set_workflow_id(target.workflow_id);
  attributes->mutable_execution()->set_run_id(target.run_id);
  attributes->set_signal_name(signal.name);
  attributes->set_child_workflow_only(target.child);
  if (!signal.arguments.empty()) to_proto(signal.arguments, attributes->mutable_input());
  if (!signal.headers.empty())
    to_proto(signal.headers, attributes->mutable_header()->mutable_fields());
  return command;
}

}  // namespace temporal::engine
