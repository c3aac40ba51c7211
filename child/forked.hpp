// SPDX-License-Identifier: MIT
// A child from fork() to Ready: everything it inherits from the zygote and must not keep is given
// up here, in an order that leaves no moment in which it could outlive its makers.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "shared/ipc/fd.hpp"
#include "temporal/module.hpp"

namespace temporal::child {

/// Of its process, in ps; its zygote gives it. The supervisor knows orphans that are dead by it.
inline constexpr const char* kChildName = "temporal-child";

/// What the supervisor attached to Spawn, in its order.
struct ChildDescriptors {
  ipc::UniqueFd down;
  ipc::UniqueFd up;
  ipc::UniqueFd child_bell;
  ipc::UniqueFd supervisor_bell;
  ipc::UniqueFd output;
  ipc::UniqueFd bulk;
};

struct ForkedOptions {
  pid_t zygote = 0;
  int nice = 0;
  int oom_score_adj = 0;
  std::size_t largest_bulk = 0;  ///< bytes of one answer
  bool tells = false;            ///< what its confinement lacks: once is enough
  const std::string& fingerprint;
  const std::vector<int>&
      module_descriptors;  ///< opened while modules were loaded: the child keeps them, ascending
};

/// The rest of the process's life, in the forked child.
[[noreturn]] void run_forked(ChildDescriptors descriptors, const ForkedOptions& options,
                             const Module& module);

}  // namespace temporal::child
