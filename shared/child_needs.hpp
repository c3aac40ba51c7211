// SPDX-License-Identifier: MIT
// What a worker asks its children to run. The supervisor keeps the modules it was started with; children of a later generation
// may be of another build, and must offer at least this.
#pragma once

#include <string>
#include <vector>

#include "temporal/module.hpp"

namespace temporal {

struct ChildNeeds {
  std::vector<std::string> activities;  ///< types whose home is a child
  bool catch_all = false;               ///< of any type, in a child
  std::vector<std::string> functions;   ///< that coroutines hand over, by their symbols
};

/// `plain`: see home_of(). `functions`: coroutines may hand work over.
[[nodiscard]] ChildNeeds needs_of(const Module& module, Executor plain, bool functions);

/// What of `needs` the children of `module` do not offer, in words: "activity 'a', activity 'b'". Empty: nothing.
[[nodiscard]] std::string lacking(const ChildNeeds& needs, const Module& module, Executor plain);

}  // namespace temporal
