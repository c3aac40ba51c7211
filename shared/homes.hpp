// SPDX-License-Identifier: MIT
// Two questions that supervisor and zygote must answer alike: in which home does an activity run,
// and which objects does this process need for that?
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "temporal/module.hpp"

namespace temporal {

/// `plain`: where plain functions go that did not choose (`--activity-executor`).
[[nodiscard]] Executor home_of(const detail::ActivityDefinition& activity, Executor plain);

/// Does some activity of the module run there? The catch-all counts too.
[[nodiscard]] bool has_home(const Module& module, Executor home, Executor plain);

enum class Process { supervisor, zygote };

/// The objects of this process. Thread rule: none of their methods may run any more when they are
/// destroyed.
class Objects {
 public:
  Objects() = default;
  Objects(Objects&&) = default;
  Objects& operator=(Objects&&) = delete;
  ~Objects() { destroy(); }

  /// Builds, in the order of their registration, those on which some activity runs here; in the
  /// zygote also those on which none runs at all, because hooks may use them. Throws ModuleError
  /// that names module and class.
  void build(const Module& module, Process process, Executor plain);
  /// In reverse order.
  void destroy() noexcept;

 private:
  std::vector<std::shared_ptr<detail::ObjectBase>> built_;
};

/// Runs hooks of `module`. Throws ModuleError that says which kind of hook threw what.
void run_hooks(const std::vector<std::function<void()>>& hooks, const std::string& kind);

}  // namespace temporal
