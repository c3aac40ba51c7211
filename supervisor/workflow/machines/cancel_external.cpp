// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/cancel_external.hpp"

#include <utility>

#include "supervisor/workflow/machines/command_parts.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

//  state    on                      →  state  and
//  created  RequestCancelInitiated     sent   compare
//  sent     CancelRequested            done   whoever asked is told
//  sent     RequestCancelFailed        done   whoever asked is told
const std::array<Transition<CancelExternal>, 3>& CancelExternal::table() {
  using S = State;
  using M = CancelExternal;
  static constexpr std::array<Transition<CancelExternal>, 3> kTable{{
      {S::created, enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, S::sent,
       &M::check},
      {S::sent, enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED, S::done,
       &M::requested},
      {S::sent, enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED, S::done,
       &M::failed},
  }};
  return kTable;
}

std::string_view CancelExternal::name_of(State state) {
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

void CancelExternal::request(MachineHost& host, const workflow::detail::Target& target,
                             const std::string& reason, Asked asked) {
  std::shared_ptr<CancelExternal> request(new CancelExternal(std::move(asked)));
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION);
  auto* attributes =
      command.mutable_request_cancel_external_workflow_execution_command_attributes();
  attributes->set_workflow_id(target.workflow_id);
  attributes->set_run_id(target.run_id);
  attributes->set_child_workflow_only(target.child);
  attributes->set_reason(reason);
  request->request_ = host.issue(request, std::move(command));
}

void CancelExternal::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

void CancelExternal::check(const HistoryEvent* event) {
  const auto& recorded =
      event->request_cancel_external_workflow_execution_initiated_event_attributes();
  const auto pending = request_.lock();
  const auto& issued =
      pending->command.request_cancel_external_workflow_execution_command_attributes();
  if (recorded.workflow_execution().workflow_id() != issued.workflow_id())
    throw mismatch(*event, *pending);
}

void CancelExternal::requested(const HistoryEvent*) { asked_(nullptr); }

void CancelExternal::failed(const HistoryEvent* event) {
  using Reason = ExternalWorkflowError::Reason;
  const auto& recorded =
      event->request_cancel_external_workflow_execution_failed_event_attributes();
  const auto& target = recorded.workflow_execution();
  const auto reason = static_cast<Reason>(recorded.cause());  // the same numbers as for a signal
  const std::string why =
      reason == Reason::not_found
          ? "no such workflow runs"
          : enums::CancelExternalWorkflowExecutionFailedCause_Name(recorded.cause());
  asked_(std::make_exception_ptr(ExternalWorkflowError(
      "workflow '" + target.workflow_id() + "' could not be cancelled: " + why,
      target.workflow_id(), target.run_id(), reason)));
}

}  // namespace temporal::engine
