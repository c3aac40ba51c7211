// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/patch.hpp"

#include <utility>

#include "supervisor/workflow/machines/command_parts.hpp"
#include "supervisor/workflow/machines/upsert.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

//  state    on              →  state  and
//  created  MarkerRecorded     done   compare
const std::array<Transition<Patch>, 1>& Patch::table() {
  static constexpr std::array<Transition<Patch>, 1> kTable{{
      {State::created, enums::EVENT_TYPE_MARKER_RECORDED, State::done, &Patch::check},
  }};
  return kTable;
}

std::string_view Patch::name_of(State state) {
  return state == State::created ? "created" : "done";
}

void Patch::record(MachineHost& host, const PatchMarker& marker, Command upsert) {
  std::shared_ptr<Patch> patch(new Patch(marker.id));
  patch->marker_ = host.issue(patch, patch_command(marker));
  if (upsert.attributes_case() != Command::ATTRIBUTES_NOT_SET)
    patch->upsert_ = Upsert::issue(host, std::move(upsert));
}

void Patch::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

void Patch::drop_upsert() {
  if (auto upsert = upsert_.lock()) upsert->dropped = true;
}

void Patch::check(const HistoryEvent* event) {
  const auto recorded = patch_marker_of(*event);
  if (!recorded || recorded->id != id_) throw mismatch(*event, *marker_.lock());
}

}  // namespace temporal::engine
