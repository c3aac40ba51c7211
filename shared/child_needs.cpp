// SPDX-License-Identifier: MIT
#include "shared/child_needs.hpp"

#include "shared/homes.hpp"

namespace temporal {
namespace {

bool runs_in_child(const detail::ActivityDefinition* activity, Executor plain) {
  return activity && home_of(*activity, plain) == Executor::child;
}

}  // namespace

ChildNeeds needs_of(const Module& module, Executor plain, bool functions) {
  ChildNeeds needs;
  for (const auto& [name, activity] : module.activities())
    if (runs_in_child(&activity, plain)) needs.activities.push_back(name);
  needs.catch_all = runs_in_child(module.catch_all(), plain);
  if (functions)
    for (const auto& [name, call] : module.offloaded()) needs.functions.push_back(name);
  return needs;
}

std::string lacking(const ChildNeeds& needs, const Module& module, Executor plain) {
  std::string missing;
  const auto miss = [&](const std::string& what) {
    missing += (missing.empty() ? "" : ", ") + what;
  };
  for (const auto& name : needs.activities)
    if (!runs_in_child(module.find_activity(name), plain)) miss("activity '" + name + "'");
  if (needs.catch_all && !runs_in_child(module.catch_all(), plain)) miss("the catch-all activity");
  for (const auto& name : needs.functions)
    if (!module.offloaded().contains(name)) miss("function '" + name + "'");
  return missing;
}

}  // namespace temporal
