// SPDX-License-Identifier: MIT
#include "tests/support/small_server.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "supervisor/workflow/events.hpp"
#include "temporal/api/update/v1/message.pb.h"
#include "tests/support/history_children.hpp"

namespace temporal::testing {

std::optional<engine::WorkflowTaskInput> SmallServer::next_task(bool forced) {
  if (closed_) return std::nullopt;
  const bool first = started_ == 0;
  const auto before = h_.last_id();
  happen(first || retried_ ? dice_.between(0, 2) : dice_.between(1, 3));
  const bool quiet = h_.last_id() == before && !first && !retried_ && !forced;
  if (updates_.empty() && (quiet || dice_.one_in(3))) bring_updates();
  if (quiet && updates_.empty()) return std::nullopt;
  only_updates_ = quiet;

  if (only_updates_) before_task_ = h_;
  auto scheduled = h_.task_scheduled();
  if (!only_updates_) happen(dice_.between(0, 2));
  while (!only_updates_ && dice_.one_in(10)) {  // an attempt that no worker heard of
    h_.task_started();
    h_.task_timed_out();
    happen(dice_.between(0, 1));
    scheduled = h_.task_scheduled();
  }
  started_ = h_.task_started();
  h_.last().mutable_workflow_task_started_event_attributes()->set_scheduled_event_id(scheduled);
  engine::WorkflowTaskInput task;
  task.history = h_.history();
  task.previous_started_event_id = answered_started_;
  task.started_event_id = started_;
  task.updates = updates_;
  return task;
}

SmallServer::Answer SmallServer::take(const engine::TaskOutcome& outcome) {
  if (only_updates_ && outcome.commands.empty()) {  // all turned down: nothing worth writing
    h_ = *std::exchange(before_task_, std::nullopt);
    started_ = answered_started_;
    updates_.clear();
    return Answer::task_taken_back;
  }
  // What happened meanwhile is not in the history that the answer was made from.
  if (outcome.finished && !only_updates_ && dice_.one_in(4) && !may_happen().empty()) {
    h_.task_failed(enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND);
    happen(1);
    retried_ = true;
    return Answer::refused;
  }
  h_.task_completed();
  *h_.last().mutable_workflow_task_completed_event_attributes()->mutable_sdk_metadata() =
      outcome.sdk_metadata;
  for (const auto& command : outcome.commands) on_command(command, outcome);
  answered_started_ = started_;
  retried_ = false;
  updates_.clear();
  return Answer::taken;
}

void SmallServer::time_out() {
  h_.task_timed_out();
  retried_ = true;
}

void SmallServer::on_command(const Command& command, const engine::TaskOutcome& outcome) {
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK: {
      const auto& schedule = command.schedule_activity_task_command_attributes();
      activities_.push_back(
          {h_.activity_scheduled(schedule.activity_id(), schedule.activity_type().name())});
      return;
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK: {
      const auto id =
          command.request_cancel_activity_task_command_attributes().scheduled_event_id();
      const auto found = std::ranges::find(activities_, id, &Activity::scheduled);
      if (found == activities_.end())
        throw std::logic_error("the code cancels an activity that is not open");
      found->cancel_requested = true;
      return h_.activity_cancel_requested(id);
    }
    case enums::COMMAND_TYPE_START_TIMER: {
      const auto& id = command.start_timer_command_attributes().timer_id();
      timers_[id] = h_.timer_started(id);
      return;
    }
    case enums::COMMAND_TYPE_CANCEL_TIMER: {
      const auto timer = timers_.extract(command.cancel_timer_command_attributes().timer_id());
      if (timer.empty()) throw std::logic_error("the code cancels a timer that is not open");
      return h_.timer_canceled(timer.mapped());
    }
    case enums::COMMAND_TYPE_RECORD_MARKER: {
      const auto& record = command.record_marker_command_attributes();
      h_.marker(record.marker_name());
      auto& marker = *h_.last().mutable_marker_recorded_event_attributes();
      *marker.mutable_details() = record.details();
      if (record.has_failure()) *marker.mutable_failure() = record.failure();
      return;
    }
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      *h_.add(enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
           .mutable_upsert_workflow_search_attributes_event_attributes()
           ->mutable_search_attributes() =
          command.upsert_workflow_search_attributes_command_attributes().search_attributes();
      return;
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      h_.add(enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED)
          .mutable_workflow_properties_modified_event_attributes();
      return;
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION: {
      const auto& start = command.start_child_workflow_execution_command_attributes();
      children_[child_initiated(h_, start.workflow_id(), start.workflow_type().name())].id =
          start.workflow_id();
      return;
    }
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION: {
      const auto& signal = command.signal_external_workflow_execution_command_attributes();
      signals_.push_back(
          signal_initiated(h_, signal.execution().workflow_id(), signal.signal_name()));
      return;
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION: {
      const auto& id =
          command.request_cancel_external_workflow_execution_command_attributes().workflow_id();
      cancels_[cancel_initiated(h_, id)] = id;
      return;
    }
    case enums::COMMAND_TYPE_PROTOCOL_MESSAGE: {
      const auto& id = command.protocol_message_command_attributes().message_id();
      const auto found = std::ranges::find(outcome.messages, id, &api::protocol::v1::Message::id);
      if (found == outcome.messages.end())
        throw std::logic_error("a command names message '" + id + "', which did not come with it");
      return on_message(*found);
    }
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      h_.add(engine::event_of(command.command_type()));
      closed_ = true;
      return;
    default:
      throw std::logic_error("the small server does not know " + engine::describe(command));
  }
}

void SmallServer::on_message(const api::protocol::v1::Message& message) {
  api::update::v1::Acceptance acceptance;
  api::update::v1::Response response;
  if (message.body().UnpackTo(&acceptance)) {
    auto& event = h_.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED);
    auto* accepted = event.mutable_workflow_execution_update_accepted_event_attributes();
    accepted->set_protocol_instance_id(message.protocol_instance_id());
    accepted->set_accepted_request_message_id(acceptance.accepted_request_message_id());
    accepted->set_accepted_request_sequencing_event_id(
        acceptance.accepted_request_sequencing_event_id());
    *accepted->mutable_accepted_request() = acceptance.accepted_request();
    accepted_[message.protocol_instance_id()] = event.event_id();
  } else if (message.body().UnpackTo(&response)) {
    auto* completed = h_.add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED)
                          .mutable_workflow_execution_update_completed_event_attributes();
    *completed->mutable_meta() = response.meta();
    *completed->mutable_outcome() = response.outcome();
    completed->set_accepted_event_id(accepted_.at(message.protocol_instance_id()));
  } else {
    throw std::logic_error("a command names a message that has none: " + message.id());
  }
}

std::vector<SmallServer::Happening> SmallServer::may_happen() {
  std::vector<Happening> all;
  for (const auto& activity : activities_) all.push_back([this, activity] { end(activity); });
  for (const auto& [id, started] : timers_)
    all.push_back([this, id = id] { h_.timer_fired(timers_.extract(id).mapped()); });
  for (const auto& [initiated, child] : children_)
    all.push_back([this, id = initiated] { advance_child(id); });
  for (const auto initiated : signals_)
    all.push_back([this, initiated] {
      std::erase(signals_, initiated);
      if (dice_.one_in(4))
        external_signal_failed(
            h_, initiated,
            enums::
                SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
      else
        external_signaled(h_, initiated);
    });
  for (const auto& [initiated, target] : cancels_)
    all.push_back([this, initiated = initiated] {
      const auto target = cancels_.extract(initiated).mapped();
      const auto child =
          std::ranges::find_if(children_, [&](const auto& one) { return one.second.id == target; });
      const bool is_child = child != children_.end();
      const bool found = is_child ? child->second.started : dice_.one_in(2);
      if (is_child && found) child->second.cancel_requested = true;
      found ? external_cancel_requested(h_, initiated) : external_cancel_failed(h_, initiated);
    });
  if (visits_.signals_left > 0)
    all.push_back([this] {
      --visits_.signals_left;
      h_.signaled(visits_.signals[dice_.below(visits_.signals.size())], dice_.between(0, 9));
    });
  if (visits_.may_cancel && dice_.one_in(3))
    all.push_back([this] {
      visits_.may_cancel = false;
      h_.cancel_requested("enough");
    });
  return all;
}

void SmallServer::happen(int times) {
  for (; times > 0; --times) {
    auto all = may_happen();
    if (!all.empty()) all[dice_.below(all.size())]();
  }
}

void SmallServer::end(const Activity& activity) {
  const auto id = activity.scheduled;
  std::erase_if(activities_, [&](const Activity& one) { return one.scheduled == id; });
  const auto started = dice_.one_in(8) ? 0 : h_.activity_started(id);
  if (activity.cancel_requested && dice_.one_in(2)) return h_.activity_canceled(id, started);
  switch (dice_.below(6)) {
    case 0:
      return h_.activity_failed(id, ApplicationError("no luck"));
    case 1:
      return h_.activity_timed_out(id, TimeoutKind::start_to_close);
    default:
      return h_.activity_completed(id, dice_.between(0, 99));
  }
}

void SmallServer::advance_child(std::int64_t initiated) {
  auto& child = children_.at(initiated);
  if (!child.started && !dice_.one_in(6)) {
    child.started = true;
    return child_started(h_, initiated);
  }
  const auto gone = children_.extract(initiated).mapped();
  if (!gone.started)
    return child_start_failed(
        h_, initiated, enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  if (gone.cancel_requested && dice_.one_in(2)) return child_canceled(h_, initiated);
  switch (dice_.below(6)) {
    case 0:
      return child_failed(h_, initiated, ApplicationError("the child had no luck"));
    case 1:
      return dice_.one_in(2) ? child_timed_out(h_, initiated) : child_terminated(h_, initiated);
    default:
      return child_completed(h_, initiated, dice_.between(0, 99));
  }
}

void SmallServer::bring_updates() {
  for (int more = dice_.between(1, 2); more > 0 && visits_.updates_left > 0; --more) {
    --visits_.updates_left;
    Update update;
    update.instance_id = "u" + std::to_string(++updates_sent_);
    update.message_id = update.instance_id + "/request";
    update.request.mutable_meta()->set_update_id(update.instance_id);
    auto* input = update.request.mutable_input();
    input->set_name(visits_.updates[dice_.below(visits_.updates.size())]);
    to_proto(to_payload(dice_.between(-1, 9)), input->mutable_args()->add_payloads());
    updates_.push_back(std::move(update));
  }
}

}  // namespace temporal::testing
