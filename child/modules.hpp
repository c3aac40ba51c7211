// SPDX-License-Identifier: MIT
// The modules of a generation, as zygotes load them, or each child for itself.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "child/v1/child.pb.h"
#include "shared/child_needs.hpp"
#include "shared/homes.hpp"
#include "shared/objects.hpp"
#include "temporal/module.hpp"

namespace temporal::child {

struct ModuleOptions {
  std::vector<std::filesystem::path> modules;
  std::span<const ModuleFunction> own_modules;  ///< of a program that brings its modules itself
  /// Where plain functions run that did not choose: tells which objects are needed here.
  temporal::Executor plain = temporal::Executor::child;
  ChildNeeds needs;  ///< modules that do not offer this are as good as none
};

/// Loads them, runs their `preload` hooks, builds the objects whose activities run in children. Throws what they throw, and
/// ModuleError for what does not load or lacks something.
void load_modules(const ModuleOptions& options, Module& module, Objects& objects);

void to_proto(const LoadedObject& object, v1::LoadedObject* proto);

}  // namespace temporal::child
