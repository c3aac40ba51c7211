// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/update_message.hpp"

#include <utility>

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

// Of one update; the command names it.
std::string message_id(const UpdateRequest& update, std::string_view suffix) {
  return update.instance_id + std::string(suffix);
}

api::protocol::v1::Message message_of(const UpdateRequest& update,
                                      const google::protobuf::Message& body,
                                      std::string_view suffix) {
  api::protocol::v1::Message message;
  message.set_id(message_id(update, suffix));
  message.set_protocol_instance_id(update.instance_id);
  message.mutable_body()->PackFrom(body);
  return message;
}

}  // namespace

//  state       on               →  state  and
//  accepting   UpdateAccepted      done   compare the update's id
//  completing  UpdateCompleted     done   compare the update's id
const std::array<Transition<UpdateMessage>, 2>& UpdateMessage::table() {
  static constexpr std::array<Transition<UpdateMessage>, 2> kTable{{
      {State::accepting, enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, State::done,
       &UpdateMessage::check_accepted},
      {State::completing, enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED, State::done,
       &UpdateMessage::check_completed},
  }};
  return kTable;
}

std::string_view UpdateMessage::name_of(State state) {
  switch (state) {
    case State::accepting:
      return "accepting";
    case State::completing:
      return "completing";
    case State::done:
      return "done";
  }
  return "unknown";
}

void UpdateMessage::accept(MachineHost& host, const UpdateRequest& update) {
  api::update::v1::Acceptance body;
  body.set_accepted_request_message_id(update.message_id);
  body.set_accepted_request_sequencing_event_id(update.sequenced_after);
  *body.mutable_accepted_request() = update.request;
  issue(host, State::accepting, update, body, "/accept");
}

void UpdateMessage::complete(MachineHost& host, const UpdateRequest& update,
                             api::update::v1::Outcome outcome) {
  api::update::v1::Response body;
  *body.mutable_meta() = update.request.meta();
  *body.mutable_outcome() = std::move(outcome);
  issue(host, State::completing, update, body, "/complete");
}

void UpdateMessage::reject(MachineHost& host, const UpdateRequest& update,
                           api::failure::v1::Failure failure) {
  api::update::v1::Rejection body;
  body.set_rejected_request_message_id(update.message_id);
  body.set_rejected_request_sequencing_event_id(update.sequenced_after);
  *body.mutable_rejected_request() = update.request;
  *body.mutable_failure() = std::move(failure);
  host.send(message_of(update, body, "/reject"));
}

void UpdateMessage::issue(MachineHost& host, State state, const UpdateRequest& update,
                          const google::protobuf::Message& body, std::string_view suffix) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_PROTOCOL_MESSAGE);
  command.mutable_protocol_message_command_attributes()->set_message_id(message_id(update, suffix));
  host.issue(std::shared_ptr<UpdateMessage>(new UpdateMessage(state, update.instance_id)),
             std::move(command),
             state == State::accepting ? enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
                                       : enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED);
  host.send(message_of(update, body, suffix));
}

void UpdateMessage::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

void UpdateMessage::check_accepted(const HistoryEvent* event) {
  check(*event,
        event->workflow_execution_update_accepted_event_attributes().protocol_instance_id());
}

void UpdateMessage::check_completed(const HistoryEvent* event) {
  check(*event, event->workflow_execution_update_completed_event_attributes().meta().update_id());
}

void UpdateMessage::check(const HistoryEvent& event, const std::string& recorded) const {
  if (recorded == instance_id_) return;
  throw Nondeterminism(event.event_id(), "history says " + describe(event) + " of update '" +
                                             recorded + "', the code said it of update '" +
                                             instance_id_ + "'");
}

}  // namespace temporal::engine
