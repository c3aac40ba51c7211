// SPDX-License-Identifier: MIT
// Which patches a run has. Code asks and needs the answer at once, but the marker that holds it
// comes in the chunk after: it is looked for ahead. And the calls may leave the code while their
// markers stay in history, if those say so ("deprecated"), or come back: then what one side has and
// the other has not is skipped.
//
//   history                code             outcome
//   live, activated        patched          true; marker and upsert
//   live, not activated    patched          false; nothing is written
//   no marker              patched          false; nothing is written
//   marker                 patched          true; matched
//   marker                 –                nondeterminism
//   deprecated marker      –                skipped, with its upsert
//   any                    deprecate_patch  allowed; live: marker says deprecated
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "supervisor/workflow/command_queue.hpp"
#include "supervisor/workflow/machines/machine.hpp"
#include "supervisor/workflow/patch_marker.hpp"

namespace temporal::engine {

class Patches {
 public:
  struct Answer {
    bool patched = false;
    bool first_left_out = false;  ///< from now on TemporalChangeVersion lists no further patch
    std::optional<SearchAttributes> upserted{};  ///< the new value of TemporalChangeVersion
  };

  using Activates = std::function<bool(const std::string& id)>;

  /// An event of the chunk after the one that the code is about to be woken for.
  void foresee(const HistoryEvent& event);
  /// The same answer as the first time, for the life of the run: code may ask in a loop.
  /// Live, `activates` decides, once.
  Answer ask(MachineHost& host, const std::string& id, bool deprecated, bool replaying,
             const Activates& activates);

  /// Whether the code has, and needs, no command for this command event. Drops the commands of
  /// patches that history has no marker for.
  [[nodiscard]] bool skips(const HistoryEvent& event, CommandQueue& commands);
  /// All commands have their events, or never will: those of patches need none.
  static void drop_unrecorded(CommandQueue& commands);

 private:
  std::map<std::string, bool> answers_;
  std::set<std::string> foreseen_;
  std::set<std::string> recorded_;  ///< those whose marker this run has issued
  bool left_out_ = false;
  bool upsert_goes_too_ = false;
};

}  // namespace temporal::engine
