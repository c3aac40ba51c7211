// SPDX-License-Identifier: MIT
// Events of children, and of signals and cancellations that reach other workflows, as a server
// writes them.
#pragma once

#include <string>

#include "tests/support/history_builder.hpp"

namespace temporal::testing {

inline std::int64_t child_initiated(HistoryBuilder& h, const std::string& id,
                                    const std::string& type) {
  auto& event = h.add(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED);
  auto* initiated = event.mutable_start_child_workflow_execution_initiated_event_attributes();
  initiated->set_workflow_id(id);
  initiated->mutable_workflow_type()->set_name(type);
  return event.event_id();
}

inline void child_started(HistoryBuilder& h, std::int64_t initiated) {
  const auto id =
      h.at(initiated).start_child_workflow_execution_initiated_event_attributes().workflow_id();
  auto* started = h.add(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED)
                      .mutable_child_workflow_execution_started_event_attributes();
  started->set_initiated_event_id(initiated);
  started->mutable_workflow_execution()->set_workflow_id(id);
  started->mutable_workflow_execution()->set_run_id("run-of-" + id);
}

inline void child_start_failed(HistoryBuilder& h, std::int64_t initiated,
                               enums::StartChildWorkflowExecutionFailedCause cause) {
  auto* failed = h.add(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED)
                     .mutable_start_child_workflow_execution_failed_event_attributes();
  failed->set_initiated_event_id(initiated);
  failed->set_cause(cause);
}

template <class T>
void child_completed(HistoryBuilder& h, std::int64_t initiated, const T& result) {
  auto* completed = h.add(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
                        .mutable_child_workflow_execution_completed_event_attributes();
  completed->set_initiated_event_id(initiated);
  to_proto(to_payload(result), completed->mutable_result()->add_payloads());
}

inline void child_failed(HistoryBuilder& h, std::int64_t initiated, const Failure& failure) {
  auto* failed = h.add(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED)
                     .mutable_child_workflow_execution_failed_event_attributes();
  failed->set_initiated_event_id(initiated);
  failed->set_retry_state(enums::RETRY_STATE_RETRY_POLICY_NOT_SET);
  to_failure_proto(failure, failed->mutable_failure());
}

inline void child_canceled(HistoryBuilder& h, std::int64_t initiated) {
  h.add(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED)
      .mutable_child_workflow_execution_canceled_event_attributes()
      ->set_initiated_event_id(initiated);
}

inline void child_timed_out(HistoryBuilder& h, std::int64_t initiated) {
  h.add(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT)
      .mutable_child_workflow_execution_timed_out_event_attributes()
      ->set_initiated_event_id(initiated);
}

inline void child_terminated(HistoryBuilder& h, std::int64_t initiated) {
  h.add(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED)
      .mutable_child_workflow_execution_terminated_event_attributes()
      ->set_initiated_event_id(initiated);
}

inline std::int64_t cancel_initiated(HistoryBuilder& h, const std::string& id) {
  auto& event = h.add(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED);
  event.mutable_request_cancel_external_workflow_execution_initiated_event_attributes()
      ->mutable_workflow_execution()
      ->set_workflow_id(id);
  return event.event_id();
}

inline void external_cancel_requested(HistoryBuilder& h, std::int64_t initiated) {
  h.add(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
      .mutable_external_workflow_execution_cancel_requested_event_attributes()
      ->set_initiated_event_id(initiated);
}

inline void external_cancel_failed(HistoryBuilder& h, std::int64_t initiated) {
  auto* failed = h.add(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED)
                     .mutable_request_cancel_external_workflow_execution_failed_event_attributes();
  failed->set_initiated_event_id(initiated);
  failed->set_cause(
      enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  failed->mutable_workflow_execution()->set_workflow_id("missing");
}

inline std::int64_t signal_initiated(HistoryBuilder& h, const std::string& id,
                                     const std::string& name) {
  auto& event = h.add(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED);
  auto* signal = event.mutable_signal_external_workflow_execution_initiated_event_attributes();
  signal->mutable_workflow_execution()->set_workflow_id(id);
  signal->set_signal_name(name);
  return event.event_id();
}

inline void external_signaled(HistoryBuilder& h, std::int64_t initiated) {
  h.add(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED)
      .mutable_external_workflow_execution_signaled_event_attributes()
      ->set_initiated_event_id(initiated);
}

inline void external_signal_failed(HistoryBuilder& h, std::int64_t initiated,
                                   enums::SignalExternalWorkflowExecutionFailedCause cause) {
  auto* failed = h.add(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED)
                     .mutable_signal_external_workflow_execution_failed_event_attributes();
  failed->set_initiated_event_id(initiated);
  failed->set_cause(cause);
  failed->mutable_workflow_execution()->set_workflow_id("missing");
}

}  // namespace temporal::testing
