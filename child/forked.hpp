// SPDX-License-Identifier: MIT
// A child from fork() to Ready: everything it inherits from the zygote and must not keep is given
// up here, in an order that leaves no moment in which it could outlive its makers.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "child/place.hpp"
#include "shared/ipc/fd.hpp"
#include "shared/objects.hpp"
#include "temporal/module.hpp"

namespace temporal::child {

/// Of its process, in ps; its zygote gives it. The supervisor knows orphans that are dead by it.
inline constexpr const char* kChildName = "temporal-child";

/// What the supervisor attached to Spawn.
struct ChildDescriptors {
  explicit ChildDescriptors(std::size_t count) : places(count) {}
  /// In the order in which they are attached.
  [[nodiscard]] std::vector<ipc::UniqueFd*> in_order();

  ipc::UniqueFd output;
  std::vector<PlaceDescriptors> places;
};

struct ForkedOptions {
  pid_t zygote = 0;  ///< its parent
  int nice = 0;
  int oom_score_adj = 0;
  std::size_t largest_bulk = 0;  ///< bytes of one answer
  std::optional<int> core;       ///< the only one it may run on
  ProcessLimits limits{};
  bool tells = false;  ///< what its confinement lacks: once is enough
};

/// Gives up what was inherited from the zygote, but for descriptors. Ends the process when its parent is gone already.
void become_child(const ChildDescriptors& descriptors, const ForkedOptions& options);

/// So much is added to its niceness and its oom_score_adj: before any code of the user's, and no sooner, so that a
/// place which is to be filled again waits for no busy neighbour.
void become_expendable(int nice, int oom_score_adj);

/// What it runs, once that is loaded.
struct Loaded {
  const Module& module;
  const std::string& fingerprint;
  /// Opened while modules were loaded: the child keeps them, ascending.
  const std::vector<int>& descriptors;
  /// Where code lies in this process, if that is not as in its zygote.
  std::vector<LoadedObject> objects{};
};

/// The rest of the life of a process that has become a child. It becomes expendable here, by what `options` say.
[[noreturn]] void serve_as_child(ChildDescriptors descriptors, const ForkedOptions& options,
                                 const Loaded& loaded);

}  // namespace temporal::child
