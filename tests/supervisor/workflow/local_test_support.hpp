// SPDX-License-Identifier: MIT
// Local activities for the engine's tests: how they end, and what history makes of a task's answer.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "shared/failure_proto.hpp"
#include "supervisor/workflow/local_marker.hpp"
#include "tests/supervisor/workflow/engine_test_support.hpp"

namespace temporal::testing {

inline constexpr Time kScheduled{std::chrono::seconds(1'700'000'000)};

template <class T>
engine::LocalResult returned(std::uint32_t seq, const T& value, Duration run_time = {}) {
  engine::LocalResult result;
  result.seq = seq;
  result.run_time = run_time;
  result.scheduled = kScheduled;
  api::common::v1::Payloads payloads;
  to_proto(to_payload(value), payloads.add_payloads());
  result.outcome = std::move(payloads);
  return result;
}

inline engine::LocalResult failed(std::uint32_t seq, const Failure& failure, int attempt = 1) {
  engine::LocalResult result;
  result.seq = seq;
  result.attempt = attempt;
  result.scheduled = kScheduled;
  to_failure_proto(failure, &result.outcome.emplace<api::failure::v1::Failure>());
  return result;
}

/// "1 charge", in the order in which they were asked for.
inline Lines calls_of(const engine::TaskOutcome& outcome) {
  Lines lines;
  for (const auto& call : outcome.local_calls)
    lines.push_back(std::to_string(call.seq) + " " + call.activity_type);
  return lines;
}

/// The answer as the server writes it: COMPLETED and an event for each command.
inline void record(HistoryBuilder& h, const engine::TaskOutcome& outcome) {
  h.task_completed();
  for (const auto& command : outcome.commands) {
    if (command.has_record_marker_command_attributes()) {
      const auto& given = command.record_marker_command_attributes();
      auto* marker =
          h.add(enums::EVENT_TYPE_MARKER_RECORDED).mutable_marker_recorded_event_attributes();
      marker->set_marker_name(given.marker_name());
      *marker->mutable_details() = given.details();
      if (given.has_failure()) *marker->mutable_failure() = given.failure();
    } else if (command.has_start_timer_command_attributes()) {
      h.timer_started(command.start_timer_command_attributes().timer_id());
    } else if (command.has_schedule_activity_task_command_attributes()) {
      const auto& given = command.schedule_activity_task_command_attributes();
      h.activity_scheduled(given.activity_id(), given.activity_type().name());
    } else if (command.has_complete_workflow_execution_command_attributes()) {
      h.completed();
    } else if (command.has_fail_workflow_execution_command_attributes()) {
      h.failed();
    }
  }
}

}  // namespace temporal::testing
