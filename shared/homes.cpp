// SPDX-License-Identifier: MIT
#include "shared/homes.hpp"

#include <algorithm>

#include "shared/module_loader.hpp"

namespace temporal {

namespace {

// Calls `visit` for each activity, the catch-all included, until it returns true.
template <class Visit>
bool any_activity(const Module& module, Visit visit) {
  for (const auto& [name, activity] : module.activities())
    if (visit(activity)) return true;
  const auto* dynamic = module.catch_all();
  return dynamic && visit(*dynamic);
}

bool in(Process process, Executor home) {
  return (process == Process::zygote) == (home == Executor::child);
}

bool needed(const detail::ObjectBase& object, const Module& module, Process process,
            Executor plain) {
  bool used = false, used_here = false;
  any_activity(module, [&](const detail::ActivityDefinition& activity) {
    if (activity.object.get() == &object) {
      used = true;
      used_here = used_here || in(process, home_of(activity, plain));
    }
    return used_here;
  });
  return used_here || (!used && process == Process::zygote);
}

// What a user's code threw, as the end of a sentence.
std::string thrown() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is not a std::exception";
  }
}

}  // namespace

Executor home_of(const detail::ActivityDefinition& activity, Executor plain) {
  return activity.executor.value_or(plain);
}

bool has_home(const Module& module, Executor home, Executor plain) {
  return any_activity(module,
                      [&](const auto& activity) { return home_of(activity, plain) == home; });
}

void Objects::destroy() noexcept {
  for (; !built_.empty(); built_.pop_back()) built_.back()->destroy();
}

void Objects::build(const Module& module, Process process, Executor plain) {
  for (const auto& [object, origin] : module.objects()) {
    if (!needed(*object, module, process, plain)) continue;
    try {
      object->build();
    } catch (...) {
      throw ModuleError("cannot build the " + object->type() + " of " + origin +
                        ": its constructor threw: " + thrown());
    }
    built_.push_back(object);
  }
}

void run_hooks(const std::vector<std::function<void()>>& hooks, const std::string& kind) {
  for (const auto& hook : hooks) {
    try {
      hook();
    } catch (...) {
      throw ModuleError("a hook of " + kind + " threw: " + thrown());
    }
  }
}

}  // namespace temporal
