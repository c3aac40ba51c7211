// SPDX-License-Identifier: MIT
// Loads user modules. Each is copied into a private sealed memfd first: replacing a mapped .so in
// place on disk kills every process that maps it. Modules are never unloaded, and each keeps the
// descriptor of its copy. A file that is named again, for another task queue, is not loaded again.
#pragma once

#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "temporal/module.hpp"

namespace temporal {

/// What is wrong with a module, as a sentence with the next step in it.
class ModuleError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// dlopens the module and lets it fill `into`. Throws ModuleError: no such file, not a module,
/// built against another temporal-supervisor, or its register function threw. Any thread.
void load_module(const std::filesystem::path& path, Module& into);

/// The modules that a program brings itself. Any thread.
void register_own(std::span<const ModuleFunction> functions, Module& into);

/// Names and executors of everything registered, hashed: equal in all processes of one generation.
[[nodiscard]] std::string fingerprint(const Module& module);

/// Of the code itself: differs when these files do, as they were when they were loaded, or when
/// this program does, where it brings modules of its own. Throws as load_module(). Any thread.
[[nodiscard]] std::string build_of(std::span<const std::filesystem::path> modules, bool own);

}  // namespace temporal
