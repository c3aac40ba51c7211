// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "supervisor/workflow/siphash.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

// With its place in the table, and the future that it resolves.
constexpr std::size_t kMachine = 512;

[[noreturn]] void refuse(const HistoryEvent& event) {
  throw EngineError(event.event_id(), "this worker cannot replay event " +
                                          std::to_string(event.event_id()) + ", " +
                                          describe(event));
}

}  // namespace

Machines::Machines(RunContext context)
    : replay_only_(context.replay_only),
      own_deployment_(std::move(context.deployment_name)),
      own_build_(std::move(context.build_id)),
      flags_(context.server_keeps_sdk_metadata, context.replay_only) {
  info_.workflow_namespace = std::move(context.workflow_namespace);
  info_.workflow_id = std::move(context.workflow_id);
  info_.run_id = std::move(context.run_id);
  info_.workflow_type = std::move(context.workflow_type);
  info_.task_queue = std::move(context.task_queue);
}

std::size_t Machines::bytes() const {
  std::size_t waiting = locals_.bytes();
  for (const auto& update : updates_) waiting += update.request.ByteSizeLong();
  for (const auto& message : messages_) waiting += message.ByteSizeLong();
  return by_event_id_.size() * kMachine + commands_.bytes() + info_bytes_ + waiting;
}

void Machines::begin_task(std::int64_t previous_started_event_id) {
  previous_started_ =
      replay_only_ ? std::numeric_limits<std::int64_t>::max() : previous_started_event_id;
  messages_.clear();  // the last task's answer took them
  if (!std::exchange(begun_, true)) replaying_ = previous_started_ > 0;
}

void Machines::receive(std::vector<UpdateRequest> updates) {
  for (auto& update : updates) updates_.push_back(std::move(update));
}

void Machines::apply(const Chunk& chunk, History& history) {
  // What this chunk's own task used is written by the completion that follows it.
  for (const auto& event : chunk.events) {
    read_flags(event);
    note_admitted(event);
  }
  const auto* next_completed = history.next_completed();
  if (next_completed) read_flags(*next_completed);
  look_ahead(history);

  for (const auto& event : chunk.events) {
    const auto type = event.event_type();
    if (replaying_ && chunk.last && event.event_id() > previous_started_ &&
        type != enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED && !is_command_event(type))
      replaying_ = false;
    deliver_updates(event.event_id() - 1);
    dispatch(event);
  }
  if (chunk.wakes && chunk.last && !updates_.empty())
    throw EngineError(chunk.events.back().event_id(),
                      "update '" + updates_.front().instance_id + "' is sequenced after event " +
                          std::to_string(updates_.front().sequenced_after) +
                          ", which did not come with its task");
  if (chunk.wakes || closed_) refuse_leftovers(chunk);
  if (chunk.wakes) on_wake(chunk.events.back());
  note_version(next_completed);
}

// Whose task it is: of the worker that answered it, and while nobody has, of this one.
void Machines::note_version(const HistoryEvent* completed) {
  if (!completed) {
    info_.deployment_name = own_deployment_;
    info_.build_id = own_build_;
    return;
  }
  const auto& by = completed->workflow_task_completed_event_attributes();
  if (by.has_deployment_version()) {
    info_.deployment_name = by.deployment_version().deployment_name();
    info_.build_id = by.deployment_version().build_id();
    return;
  }
// Servers wrote these before they had the one above.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const auto& joined = by.worker_deployment_version();
  const auto dot = joined.find('.');
  info_.deployment_name =
      dot == std::string::npos ? by.worker_deployment_name() : joined.substr(0, dot);
  info_.build_id =
      dot == std::string::npos ? by.worker_version().build_id() : joined.substr(dot + 1);
#pragma GCC diagnostic pop
}

std::vector<Job> Machines::take_jobs() {
  std::stable_sort(jobs_.begin(), jobs_.end(), [](const Job& left, const Job& right) {
    return rank_of(left) < rank_of(right);
  });
  return std::exchange(jobs_, {});
}

// What accepts an update of an earlier run does not repeat it, and may be the next chunk's.
void Machines::note_admitted(const HistoryEvent& event) {
  if (!event.has_workflow_execution_update_admitted_event_attributes()) return;
  const auto& request = event.workflow_execution_update_admitted_event_attributes().request();
  const auto& id = request.meta().update_id();
  admitted_.insert_or_assign(id, UpdateRequest{id, id + "/request", event.event_id(), request});
}

// Live, an update came with the task, not with an event: replayed, what the task wrote tells of it.
// And the answer to patched() is needed before the event that holds it.
void Machines::look_ahead(History& history) {
  const auto count = history.upcoming();
  for (std::size_t i = 0; i < count; ++i) {
    const auto& event = *history.at(i);
    patches_.foresee(event);
    locals_.foresee(event);
    if (!event.has_workflow_execution_update_accepted_event_attributes()) continue;
    const auto& accepted = event.workflow_execution_update_accepted_event_attributes();
    UpdateRequest update;
    const auto admitted = admitted_.find(accepted.protocol_instance_id());
    if (admitted != admitted_.end()) {
      update = std::move(admitted->second);
      admitted_.erase(admitted);
    }
    update.instance_id = accepted.protocol_instance_id();
    if (!accepted.accepted_request_message_id().empty())
      update.message_id = accepted.accepted_request_message_id();
    if (accepted.accepted_request_sequencing_event_id() != 0)
      update.sequenced_after = accepted.accepted_request_sequencing_event_id();
    if (accepted.has_accepted_request()) update.request = accepted.accepted_request();
    updates_.push_back(std::move(update));
  }
}

void Machines::deliver_updates(std::int64_t applied_event_id) {
  for (auto update = updates_.begin(); update != updates_.end();) {
    if (update->sequenced_after > applied_event_id) {
      ++update;
      continue;
    }
    jobs_.emplace_back(
        UpdateJob{std::make_shared<const UpdateRequest>(std::move(*update)), !replaying_});
    update = updates_.erase(update);
  }
}

void Machines::end_activation() { commands_.prepare(uses(CoreFlag::move_terminal_commands)); }

std::vector<Command> Machines::commands() const {
  return replaying_ || closed_ ? std::vector<Command>{} : commands_.commands();
}

SdkFlags::Metadata Machines::sdk_metadata() const {
  return replaying_ || closed_ ? SdkFlags::Metadata{} : flags_.news();
}

Patches::Answer Machines::patched(const std::string& id, bool deprecated,
                                  const Patches::Activates& activates) {
  auto answer = patches_.ask(*this, id, deprecated, replaying_, activates);
  if (answer.upserted) change(*answer.upserted);
  return answer;
}

std::weak_ptr<PendingCommand> Machines::issue(std::shared_ptr<Machine> machine, Command command) {
  const auto becomes = event_of(command.command_type());
  return commands_.issue(std::move(machine), std::move(command), becomes);
}

std::weak_ptr<PendingCommand> Machines::issue(std::shared_ptr<Machine> machine, Command command,
                                              EventType becomes) {
  return commands_.issue(std::move(machine), std::move(command), becomes);
}

void Machines::send(Message message) {
  if (!replaying_) messages_.push_back(std::move(message));
}

void Machines::resolve(std::function<void()> resolution) {
  jobs_.emplace_back(ResolveJob{std::move(resolution)});
}

void Machines::read_flags(const HistoryEvent& event) {
  if (event.has_workflow_task_completed_event_attributes())
    flags_.read(event.workflow_task_completed_event_attributes().sdk_metadata(), event.event_id());
}

void Machines::dispatch(const HistoryEvent& event) {
  if (is_command_event(event.event_type())) return on_command_event(event);
  if (initiating_event_id(event) != 0) return on_initiated(event);
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
      return on_started(event);
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: {
      const auto& signal = event.workflow_execution_signaled_event_attributes();
      jobs_.emplace_back(SignalJob{{signal.signal_name(), from_proto(signal.input()),
                                    from_proto(signal.header().fields())}});
      return;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED: {
      if (replaying_) return;  // the event that accepts it has asked for it, or will
      const auto& request = event.workflow_execution_update_admitted_event_attributes().request();
      if (auto admitted = admitted_.extract(request.meta().update_id()))
        updates_.push_back(std::move(admitted.mapped()));
      return;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      if (!std::exchange(cancel_seen_, true))
        jobs_.emplace_back(
            CancelJob{event.workflow_execution_cancel_requested_event_attributes().cause()});
      return;
    case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED: {
      const auto& failed = event.workflow_task_failed_event_attributes();
      if (failed.cause() == enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW &&
          !failed.new_run_id().empty())
        jobs_.emplace_back(ReseedJob{randomness_seed(failed.new_run_id())});
      return;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      closed_ = true;
      return;
    case enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_STARTED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED:
      return;
    default:
      if (!event.worker_may_ignore()) refuse(event);
  }
}

void Machines::on_command_event(const HistoryEvent& event) {
  if (locals_.take_marker(event, commands_)) return;
  if (patches_.skips(event, commands_)) return;
  const auto type = event.event_type();
  switch (type) {
    case enums::EVENT_TYPE_MARKER_RECORDED:
      if (!patch_marker_of(event)) refuse(event);
      [[fallthrough]];
    case enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
    case enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
      commands_.match(event)->machine->on_event(event);
      return;
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
    case enums::EVENT_TYPE_TIMER_STARTED:
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: {
      auto pending = commands_.match(event);
      pending->machine->on_event(event);
      by_event_id_.emplace(event.event_id(), pending->machine);
      return;
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_TIMER_CANCELED: {
      auto pending = commands_.match(event);
      pending->machine->on_event(event);
      if (pending->machine->done())
        by_event_id_.erase(event.timer_canceled_event_attributes().started_event_id());
      return;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
      commands_.match(event)->machine->on_event(event);
      return;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      commands_.match(event)->machine->on_event(event);
      closed_ = true;
      return;
    default:
      refuse(event);
  }
}

void Machines::on_initiated(const HistoryEvent& event) {
  const auto found = by_event_id_.find(initiating_event_id(event));
  if (found == by_event_id_.end())
    throw EngineError(event.event_id(), "event " + std::to_string(event.event_id()) + ", " +
                                            describe(event) + ", belongs to event " +
                                            std::to_string(initiating_event_id(event)) +
                                            ", which started nothing that is still open");
  found->second->on_event(event);
  if (found->second->done()) by_event_id_.erase(found);
}

void Machines::on_started(const HistoryEvent& event) {
  const auto& started = event.workflow_execution_started_event_attributes();
  now_ = from_proto(event.event_time());
  info_.first_run_id = started.first_execution_run_id();
  info_.original_run_id = started.original_execution_run_id();
  info_.identity_of_starter = started.identity();
  info_.attempt = std::max(started.attempt(), 1);
  info_.cron_schedule = started.cron_schedule();
  info_.continued_run_id = started.continued_execution_run_id();
  info_.start_time = now_;
  info_.execution_timeout = from_proto(started.workflow_execution_timeout());
  info_.run_timeout = from_proto(started.workflow_run_timeout());
  info_.task_timeout = from_proto(started.workflow_task_timeout());
  info_.headers = from_proto(started.header().fields());
  info_.memo = Memo(from_proto(started.memo().fields()));
  info_.search_attributes =
      SearchAttributes(from_proto(started.search_attributes().indexed_fields()));
  jobs_.emplace_back(ReseedJob{randomness_seed(started.original_execution_run_id())});
  jobs_.emplace_back(StartJob{from_proto(started.input())});
  info_bytes_ = started.header().ByteSizeLong() + started.memo().ByteSizeLong() +
                started.search_attributes().ByteSizeLong();
  if (started.has_retry_policy())
    retry_policy_ = std::make_unique<const RetryPolicy>(started.retry_policy());
}

void Machines::on_wake(const HistoryEvent& task_started) {
  const auto& attributes = task_started.workflow_task_started_event_attributes();
  now_ = std::max(now_, from_proto(task_started.event_time()));
  last_started_ = task_started.event_id();
  info_.history_length = task_started.event_id();
  info_.history_size = attributes.history_size_bytes();
  info_.target_version_changed = attributes.target_worker_deployment_version_changed();
  info_.continue_as_new_suggested = attributes.suggest_continue_as_new();
  info_.continue_as_new_reasons.clear();
  for (const auto reason : attributes.suggest_continue_as_new_reasons())
    info_.continue_as_new_reasons.push_back(static_cast<workflow::ContinueReason>(reason));
  if (!replaying_) locals_.replay_over();
}

// All commands of the activation before have their events in this chunk, or never will.
void Machines::refuse_leftovers(const Chunk& chunk) {
  Patches::drop_unrecorded(commands_);
  const auto* left = commands_.front();
  if (!left) return;
  for (const auto& event : chunk.events) {
    const auto type = event.event_type();
    if (type == enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED) continue;
    if (is_command_event(type) && !is_terminal_event(type)) continue;
    throw Nondeterminism(event.event_id(), "history goes on with " + describe(event) +
                                               ", the code issued " + describe(*left) +
                                               " before it");
  }
}

}  // namespace temporal::engine
