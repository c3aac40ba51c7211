// SPDX-License-Identifier: MIT
#include "supervisor/workflow/patches.hpp"

#include <utility>

#include "supervisor/workflow/machines/patch.hpp"
#include "supervisor/workflow/machines/upsert.hpp"

namespace temporal::engine {

namespace {

Patch* first_patch(const CommandQueue& commands) {
  const auto* front = commands.front();
  return front ? dynamic_cast<Patch*>(front->machine.get()) : nullptr;
}

}  // namespace

void Patches::foresee(const HistoryEvent& event) {
  if (auto marker = patch_marker_of(event)) foreseen_.insert(std::move(marker->id));
}

Patches::Answer Patches::ask(MachineHost& host, const std::string& id, bool deprecated,
                             bool replaying, const Activates& activates) {
  const auto known = answers_.find(id);
  if (known != answers_.end()) return {.patched = known->second};
  // Before it is noted: the callback may throw.
  Answer answer{.patched = replaying ? foreseen_.contains(id) : deprecated || activates(id)};
  answers_.emplace(id, answer.patched);
  if (!answer.patched) return answer;
  recorded_.insert(id);
  Command upsert;
  if (host.uses(CoreFlag::upsert_on_patch)) {
    answer.upserted = change_version(recorded_);
    if (answer.upserted)
      upsert = upsert_command(*answer.upserted);
    else
      answer.first_left_out = !std::exchange(left_out_, true);
  }
  Patch::record(host, {id, deprecated}, std::move(upsert));
  return answer;
}

bool Patches::skips(const HistoryEvent& event, CommandQueue& commands) {
  if (std::exchange(upsert_goes_too_, false) && upserts_change_version(event)) return true;
  const auto marker = patch_marker_of(event);
  if (!marker) {
    drop_unrecorded(commands);
    return false;
  }
  const auto* issued = first_patch(commands);
  if (!marker->deprecated || (issued && issued->id() == marker->id)) return false;
  upsert_goes_too_ = true;
  return true;
}

void Patches::drop_unrecorded(CommandQueue& commands) {
  while (auto* patch = first_patch(commands)) {
    patch->drop_upsert();
    commands.drop_front();
  }
}

}  // namespace temporal::engine
