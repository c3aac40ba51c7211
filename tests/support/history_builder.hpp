// SPDX-License-Identifier: MIT
// Writes histories event by event, as a server would: ids count from 1, each event is one second
// after the one before.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/history/v1/message.pb.h"
#include "temporal/errors.hpp"
#include "temporal/payload.hpp"

namespace temporal::testing {

namespace enums = api::enums::v1;

class HistoryBuilder {
 public:
  using Event = api::history::v1::HistoryEvent;
  static constexpr const char* kRunId = "11111111-2222-3333-4444-555555555555";

  /// Event 1.
  template <class... Args>
  explicit HistoryBuilder(const std::string& type, const Args&... args) {
    auto* started = add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
                        .mutable_workflow_execution_started_event_attributes();
    started->mutable_workflow_type()->set_name(type);
    started->mutable_task_queue()->set_name("queue");
    started->set_original_execution_run_id(kRunId);
    started->set_first_execution_run_id(kRunId);
    started->set_workflow_id("the-workflow");
    started->set_attempt(1);
    (to_proto(to_payload(args), started->mutable_input()->add_payloads()), ...);
  }

  Event& add(enums::EventType type) {
    auto& event = *history_.add_events();
    event.set_event_id(history_.events_size());
    event.set_event_type(type);
    to_proto(time_of(event.event_id()), event.mutable_event_time());
    return event;
  }
  static Time time_of(std::int64_t event_id) {
    return Time{std::chrono::seconds(1'700'000'000 + event_id)};
  }
  [[nodiscard]] std::int64_t last_id() const { return history_.events_size(); }
  [[nodiscard]] Event& last() { return *history_.mutable_events(history_.events_size() - 1); }
  [[nodiscard]] Event& at(std::int64_t id) { return *history_.mutable_events(int(id) - 1); }

  // Workflow tasks. Completions are ours unless told otherwise.
  std::int64_t task_scheduled() { return id_of(add(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)); }
  std::int64_t task_started() {
    auto& event = add(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
    event.mutable_workflow_task_started_event_attributes()->set_scheduled_event_id(
        event.event_id() - 1);
    return event.event_id();
  }
  api::sdk::v1::WorkflowTaskCompletedMetadata* task_completed(
      const char* sdk = "temporal-supervisor") {
    auto* metadata = add(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
                         .mutable_workflow_task_completed_event_attributes()
                         ->mutable_sdk_metadata();
    for (std::uint32_t flag : {1, 2, 3}) metadata->add_core_used_flags(flag);
    metadata->set_sdk_name(sdk);
    return metadata;
  }
  /// A completion of an old SDK: no flags, no name.
  std::int64_t task_completed_bare() {
    auto& event = add(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
    event.mutable_workflow_task_completed_event_attributes();
    return event.event_id();
  }
  /// SCHEDULED, STARTED; returns STARTED's id.
  std::int64_t task() {
    task_scheduled();
    return task_started();
  }
  /// SCHEDULED, STARTED, COMPLETED.
  void whole_task() {
    task();
    task_completed();
  }
  void task_failed(enums::WorkflowTaskFailedCause cause, const std::string& new_run_id = {}) {
    auto* failed =
        add(enums::EVENT_TYPE_WORKFLOW_TASK_FAILED).mutable_workflow_task_failed_event_attributes();
    failed->set_cause(cause);
    failed->set_new_run_id(new_run_id);
  }
  void task_timed_out() {
    add(enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)
        .mutable_workflow_task_timed_out_event_attributes();
  }

  // Activities. Each returns its event's id.
  std::int64_t activity_scheduled(const std::string& id, const std::string& type) {
    auto& event = add(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
    auto* scheduled = event.mutable_activity_task_scheduled_event_attributes();
    scheduled->set_activity_id(id);
    scheduled->mutable_activity_type()->set_name(type);
    return event.event_id();
  }
  std::int64_t activity_started(std::int64_t scheduled) {
    auto& event = add(enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
    event.mutable_activity_task_started_event_attributes()->set_scheduled_event_id(scheduled);
    return event.event_id();
  }
  template <class T>
  void activity_completed(std::int64_t scheduled, const T& result) {
    auto* completed = add(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
                          .mutable_activity_task_completed_event_attributes();
    completed->set_scheduled_event_id(scheduled);
    to_proto(to_payload(result), completed->mutable_result()->add_payloads());
  }
  void activity_failed(std::int64_t scheduled, const Failure& failure) {
    auto* failed =
        add(enums::EVENT_TYPE_ACTIVITY_TASK_FAILED).mutable_activity_task_failed_event_attributes();
    failed->set_scheduled_event_id(scheduled);
    failed->set_identity("a-worker");
    failed->set_retry_state(enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
    to_failure_proto(failure, failed->mutable_failure());
  }
  void activity_timed_out(std::int64_t scheduled, TimeoutKind kind) {
    auto* timed_out = add(enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT)
                          .mutable_activity_task_timed_out_event_attributes();
    timed_out->set_scheduled_event_id(scheduled);
    to_failure_proto(TimeoutError("too slow", kind), timed_out->mutable_failure());
  }
  void activity_cancel_requested(std::int64_t scheduled) {
    add(enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)
        .mutable_activity_task_cancel_requested_event_attributes()
        ->set_scheduled_event_id(scheduled);
  }
  void activity_canceled(std::int64_t scheduled, std::int64_t started = 0) {
    auto* canceled = add(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED)
                         .mutable_activity_task_canceled_event_attributes();
    canceled->set_scheduled_event_id(scheduled);
    canceled->set_started_event_id(started);
  }

  // Timers
  std::int64_t timer_started(const std::string& id) {
    auto& event = add(enums::EVENT_TYPE_TIMER_STARTED);
    event.mutable_timer_started_event_attributes()->set_timer_id(id);
    return event.event_id();
  }
  void timer_fired(std::int64_t started) {
    add(enums::EVENT_TYPE_TIMER_FIRED)
        .mutable_timer_fired_event_attributes()
        ->set_started_event_id(started);
  }
  void timer_canceled(std::int64_t started) {
    add(enums::EVENT_TYPE_TIMER_CANCELED)
        .mutable_timer_canceled_event_attributes()
        ->set_started_event_id(started);
  }

  // What happens to the workflow
  template <class... Args>
  void signaled(const std::string& name, const Args&... args) {
    auto* signal = add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
                       .mutable_workflow_execution_signaled_event_attributes();
    signal->set_signal_name(name);
    (to_proto(to_payload(args), signal->mutable_input()->add_payloads()), ...);
  }
  void cancel_requested(const std::string& cause = {}) {
    add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
        .mutable_workflow_execution_cancel_requested_event_attributes()
        ->set_cause(cause);
  }
  void completed() {
    add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
        .mutable_workflow_execution_completed_event_attributes();
  }
  void failed() {
    add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED)
        .mutable_workflow_execution_failed_event_attributes();
  }
  void canceled() {
    add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED)
        .mutable_workflow_execution_canceled_event_attributes();
  }
  void continued_as_new() {
    add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW)
        .mutable_workflow_execution_continued_as_new_event_attributes();
  }
  /// Of an update that came with the task whose STARTED is right after `sequenced_after`.
  template <class... Args>
  std::int64_t update_accepted(const std::string& id, const std::string& name,
                               std::int64_t sequenced_after, const Args&... args) {
    auto& event = add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED);
    auto* accepted = event.mutable_workflow_execution_update_accepted_event_attributes();
    accepted->set_protocol_instance_id(id);
    accepted->set_accepted_request_message_id(id + "/request");
    accepted->set_accepted_request_sequencing_event_id(sequenced_after);
    auto* request = accepted->mutable_accepted_request();
    request->mutable_meta()->set_update_id(id);
    request->mutable_input()->set_name(name);
    (to_proto(to_payload(args), request->mutable_input()->mutable_args()->add_payloads()), ...);
    return event.event_id();
  }
  /// As a reset writes what was accepted before it.
  template <class... Args>
  void update_admitted(const std::string& id, const std::string& name, const Args&... args) {
    auto* request = add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED)
                        .mutable_workflow_execution_update_admitted_event_attributes()
                        ->mutable_request();
    request->mutable_meta()->set_update_id(id);
    request->mutable_input()->set_name(name);
    (to_proto(to_payload(args), request->mutable_input()->mutable_args()->add_payloads()), ...);
  }
  template <class T>
  void update_completed(const std::string& id, std::int64_t accepted, const T& result) {
    auto* completed = add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED)
                          .mutable_workflow_execution_update_completed_event_attributes();
    completed->mutable_meta()->set_update_id(id);
    completed->set_accepted_event_id(accepted);
    to_proto(to_payload(result), completed->mutable_outcome()->mutable_success()->add_payloads());
  }
  void marker(const std::string& name) {
    add(enums::EVENT_TYPE_MARKER_RECORDED)
        .mutable_marker_recorded_event_attributes()
        ->set_marker_name(name);
  }

  [[nodiscard]] const api::history::v1::History& history() const { return history_; }
  /// The events from `first` on, as a task of a cached run brings them.
  [[nodiscard]] api::history::v1::History since(std::int64_t first) const {
    api::history::v1::History part;
    for (const auto& event : history_.events())
      if (event.event_id() >= first) *part.add_events() = event;
    return part;
  }

 private:
  static std::int64_t id_of(const Event& event) { return event.event_id(); }
  api::history::v1::History history_;
};

}  // namespace temporal::testing
