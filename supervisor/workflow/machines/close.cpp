// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/close.hpp"

#include <utility>

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

//  state    on                                           →  state  and
//  created  Completed, Failed, Canceled, ContinuedAsNew     done   compare nothing but the kind
constexpr std::array<Transition<Close>, 4> kTable{{
    {Close::State::created, enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, Close::State::done,
     nullptr},
    {Close::State::created, enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, Close::State::done,
     nullptr},
    {Close::State::created, enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, Close::State::done,
     nullptr},
    {Close::State::created, enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
     Close::State::done, nullptr},
}};

}  // namespace

std::string_view Close::name_of(State state) {
  return state == State::created ? "created" : "done";
}

void Close::issue(MachineHost& host, Command command) {
  host.issue(std::shared_ptr<Close>(new Close), std::move(command));
}

void Close::on_event(const HistoryEvent& event) {
  step(*this, state_, kTable, event.event_type(), &event);
}

bool is_terminal_command(const Command& command) {
  return is_terminal_event(event_of(command.command_type()));
}

}  // namespace temporal::engine
