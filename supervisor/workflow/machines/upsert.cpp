// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/upsert.hpp"

#include <utility>

#include "shared/payload_proto.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

//  state    on                                                          →  state  and
//  created  UpsertWorkflowSearchAttributes, WorkflowPropertiesModified     done   compare nothing:
//                                                                                 values may change
constexpr std::array<Transition<Upsert>, 2> kTable{{
    {Upsert::State::created, enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
     Upsert::State::done, nullptr},
    {Upsert::State::created, enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED, Upsert::State::done,
     nullptr},
}};

}  // namespace

std::string_view Upsert::name_of(State state) {
  return state == State::created ? "created" : "done";
}

std::weak_ptr<PendingCommand> Upsert::issue(MachineHost& host, Command command) {
  return host.issue(std::shared_ptr<Upsert>(new Upsert), std::move(command));
}

void Upsert::on_event(const HistoryEvent& event) {
  step(*this, state_, kTable, event.event_type(), &event);
}

Command upsert_command(const SearchAttributes& changes) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES);
  auto* fields = command.mutable_upsert_workflow_search_attributes_command_attributes()
                     ->mutable_search_attributes()
                     ->mutable_indexed_fields();
  for (const auto& [name, value] : changes.fields()) to_proto(value, &(*fields)[name]);
  return command;
}

Command upsert_command(const Memo& changes) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES);
  auto* fields = command.mutable_modify_workflow_properties_command_attributes()
                     ->mutable_upserted_memo()
                     ->mutable_fields();
  for (const auto& [name, value] : changes.fields()) to_proto(value, &(*fields)[name]);
  return command;
}

}  // namespace temporal::engine
