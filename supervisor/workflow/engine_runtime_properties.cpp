// SPDX-License-Identifier: MIT
// What a run says of itself: its patches, its search attributes, its memo.
#include <stdexcept>

#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/machines/upsert.hpp"
#include "temporal/unsafe.hpp"

namespace temporal::engine {

namespace {

template <class Changes>
void refuse_nameless(const Changes& changes, const char* call) {
  if (changes.contains(""))
    throw std::invalid_argument("workflow::" + std::string(call) + ": a value needs a name");
}

}  // namespace

bool EngineRuntime::patched(std::string_view id, bool deprecated) {
  if (retired_) return false;
  refuse_if_read_only(deprecated ? "deprecate_patch" : "patched");
  if (id.empty()) throw std::invalid_argument("workflow::patched: a patch needs an id");
  const auto answer = machines_.patched(std::string(id), deprecated,
                                        [&](const auto& patch) { return activates(patch); });
  if (answer.first_left_out)
    log().warn(
        "the search attribute TemporalChangeVersion of this workflow is full: it lists neither "
        "this "
        "patch nor later ones",
        {{"patch", id}});
  return answer.patched;
}

bool EngineRuntime::activates(const std::string& patch) {
  if (!outside_.activates_patch) return true;
  const ReadOnly guard(*this, "the callback of activate_patches");
  const workflow::unsafe::allow it_may_ask_the_world;  // what it says is recorded
  return outside_.activates_patch(patch);
}

void EngineRuntime::upsert_search_attributes(const SearchAttributes& changes) {
  if (retired_) return;
  refuse_if_read_only("upsert_search_attributes");
  refuse_nameless(changes, "upsert_search_attributes");
  if (changes.contains(kChangeVersion))
    throw std::invalid_argument(
        "workflow::upsert_search_attributes: TemporalChangeVersion is written by "
        "workflow::patched() alone");
  if (changes.empty()) return;
  Upsert::issue(machines_, upsert_command(changes));
  machines_.change(changes);
}

void EngineRuntime::upsert_memo(const Memo& changes) {
  if (retired_) return;
  refuse_if_read_only("upsert_memo");
  refuse_nameless(changes, "upsert_memo");
  if (changes.empty()) return;
  Upsert::issue(machines_, upsert_command(changes));
  machines_.change(changes);
}

}  // namespace temporal::engine
