// SPDX-License-Identifier: MIT
#include "supervisor/workflow/events.hpp"

#include <cctype>
#include <string_view>

#include "supervisor/workflow/local_marker.hpp"
#include "supervisor/workflow/patch_marker.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

bool is_command_event(EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_TIMER_STARTED:
    case enums::EVENT_TYPE_TIMER_CANCELED:
    case enums::EVENT_TYPE_MARKER_RECORDED:
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
    case enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
    case enums::EVENT_TYPE_NEXUS_OPERATION_SCHEDULED:
    case enums::EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_REJECTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
      return true;
    default:
      return false;
  }
}

bool is_terminal_event(EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return true;
    default:
      return false;
  }
}

bool undoes_started(EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return true;
    default:
      return false;
  }
}

std::int64_t initiating_event_id(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
      return event.activity_task_started_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      return event.activity_task_completed_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
      return event.activity_task_failed_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      return event.activity_task_timed_out_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      return event.activity_task_canceled_event_attributes().scheduled_event_id();
    case enums::EVENT_TYPE_TIMER_FIRED:
      return event.timer_fired_event_attributes().started_event_id();
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:
      return event.start_child_workflow_execution_failed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
      return event.child_workflow_execution_started_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
      return event.child_workflow_execution_completed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
      return event.child_workflow_execution_failed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
      return event.child_workflow_execution_canceled_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      return event.child_workflow_execution_timed_out_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      return event.child_workflow_execution_terminated_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      return event.signal_external_workflow_execution_failed_event_attributes()
          .initiated_event_id();
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
      return event.external_workflow_execution_signaled_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      return event.request_cancel_external_workflow_execution_failed_event_attributes()
          .initiated_event_id();
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      return event.external_workflow_execution_cancel_requested_event_attributes()
          .initiated_event_id();
    default:
      return 0;
  }
}

EventType event_of(enums::CommandType type) {
  switch (type) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK:
      return enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK:
      return enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED;
    case enums::COMMAND_TYPE_START_TIMER:
      return enums::EVENT_TYPE_TIMER_STARTED;
    case enums::COMMAND_TYPE_CANCEL_TIMER:
      return enums::EVENT_TYPE_TIMER_CANCELED;
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED;
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
    case enums::COMMAND_TYPE_RECORD_MARKER:
      return enums::EVENT_TYPE_MARKER_RECORDED;
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      return enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES;
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      return enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED;
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED;
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED;
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED;
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW;
    default:
      return enums::EVENT_TYPE_UNSPECIFIED;
  }
}

namespace {

// EVENT_TYPE_TIMER_FIRED is TimerFired everywhere users look.
std::string camel_case(std::string_view screaming) {
  std::string name;
  bool upper = true;
  for (unsigned char c : screaming) {
    if (c == '_') {
      upper = true;
      continue;
    }
    name += static_cast<char>(upper ? c : std::tolower(c));
    upper = false;
  }
  return name;
}

std::string quoted(std::string_view label, std::string_view text) {
  return std::string(label) + " '" + std::string(text) + "'";
}

std::string with(std::string name, std::string details) {
  return details.empty() ? name : name + " (" + details + ")";
}

std::string marker(const std::string& name, const std::optional<PatchMarker>& patch,
                   const std::string& local) {
  return quoted("marker", name) + (patch ? ", " + quoted("patch", patch->id) : "") + local;
}

std::string details_of(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
      const auto& scheduled = event.activity_task_scheduled_event_attributes();
      return quoted("activity id", scheduled.activity_id()) + ", " +
             quoted("type", scheduled.activity_type().name());
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
      return "of the activity scheduled by event " +
             std::to_string(
                 event.activity_task_cancel_requested_event_attributes().scheduled_event_id());
    case enums::EVENT_TYPE_TIMER_STARTED:
      return quoted("timer id", event.timer_started_event_attributes().timer_id());
    case enums::EVENT_TYPE_TIMER_CANCELED:
      return quoted("timer id", event.timer_canceled_event_attributes().timer_id());
    case enums::EVENT_TYPE_MARKER_RECORDED:
      return marker(event.marker_recorded_event_attributes().marker_name(), patch_marker_of(event),
                    describe_local_marker(event.marker_recorded_event_attributes()));
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: {
      const auto& child = event.start_child_workflow_execution_initiated_event_attributes();
      return quoted("workflow id", child.workflow_id()) + ", " +
             quoted("type", child.workflow_type().name());
    }
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: {
      const auto& signal = event.signal_external_workflow_execution_initiated_event_attributes();
      return quoted("signal", signal.signal_name()) + ", " +
             quoted("workflow id", signal.workflow_execution().workflow_id());
    }
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
      return quoted("workflow id",
                    event.request_cancel_external_workflow_execution_initiated_event_attributes()
                        .workflow_execution()
                        .workflow_id());
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
      return quoted(
          "update id",
          event.workflow_execution_update_accepted_event_attributes().protocol_instance_id());
    default:
      return {};
  }
}

}  // namespace

std::string event_name(EventType type) {
  constexpr std::string_view kPrefix = "EVENT_TYPE_";
  const std::string& name = enums::EventType_Name(type);
  if (name.empty()) return "type " + std::to_string(static_cast<int>(type));
  return camel_case(std::string_view(name).substr(kPrefix.size()));
}

std::string describe(const HistoryEvent& event) {
  return with(event_name(event.event_type()), details_of(event));
}

std::string describe(const Command& command) {
  constexpr std::string_view kPrefix = "COMMAND_TYPE_";
  std::string details;
  if (command.has_schedule_activity_task_command_attributes()) {
    const auto& schedule = command.schedule_activity_task_command_attributes();
    details = quoted("activity id", schedule.activity_id()) + ", " +
              quoted("type", schedule.activity_type().name());
  } else if (command.has_request_cancel_activity_task_command_attributes()) {
    details = "of the activity scheduled by event " +
              std::to_string(
                  command.request_cancel_activity_task_command_attributes().scheduled_event_id());
  } else if (command.has_protocol_message_command_attributes()) {
    details = quoted("message", command.protocol_message_command_attributes().message_id());
  } else if (command.has_start_timer_command_attributes()) {
    details = quoted("timer id", command.start_timer_command_attributes().timer_id());
  } else if (command.has_start_child_workflow_execution_command_attributes()) {
    const auto& child = command.start_child_workflow_execution_command_attributes();
    details = quoted("workflow id", child.workflow_id()) + ", " +
              quoted("type", child.workflow_type().name());
  } else if (command.has_signal_external_workflow_execution_command_attributes()) {
    const auto& signal = command.signal_external_workflow_execution_command_attributes();
    details = quoted("signal", signal.signal_name()) + ", " +
              quoted("workflow id", signal.execution().workflow_id());
  } else if (command.has_request_cancel_external_workflow_execution_command_attributes()) {
    details = quoted(
        "workflow id",
        command.request_cancel_external_workflow_execution_command_attributes().workflow_id());
  } else if (command.has_record_marker_command_attributes()) {
    details =
        marker(command.record_marker_command_attributes().marker_name(), patch_marker_of(command),
               describe_local_marker(command.record_marker_command_attributes()));
  } else if (command.has_cancel_timer_command_attributes()) {
    details = quoted("timer id", command.cancel_timer_command_attributes().timer_id());
  }
  const std::string& name = enums::CommandType_Name(command.command_type());
  return with(camel_case(std::string_view(name).substr(kPrefix.size())), details);
}

}  // namespace temporal::engine
