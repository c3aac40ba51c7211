// SPDX-License-Identifier: MIT
#include "supervisor/replay_command.hpp"

#include <algorithm>
#include <iostream>

#include "shared/module_loader.hpp"
#include "supervisor/workflow/history_loader.hpp"
#include "supervisor/workflow/replayer.hpp"

namespace temporal::supervisor {

namespace {

int replay_file(const Module& module, const std::filesystem::path& path) {
  int code = kExitStopped;
  try {
    for (const auto& history : engine::load_histories(path)) {
      const auto result = engine::replay(module, history);
      if (result.ok) {
        std::cout << "replayed  " << path.string() << "  " << history.events_size() << " events\n";
      } else {
        std::cout << "MISMATCH  " << path.string() << "  " << result.message << "\n";
        code = kExitFatal;
      }
    }
  } catch (const engine::HistoryFileError& error) {
    std::cerr << "temporal-supervisor: " << error.what() << "\n";
    code = kExitUsage;
  }
  return code;
}

}  // namespace

int replay_command(const Options& options, std::span<const ModuleFunction> own_modules) {
  Module module;
  try {
    for (auto function : own_modules) function(module);
    for (const auto& path : options.modules) load_module(path, module);
  } catch (const std::exception& error) {
    std::cerr << "temporal-supervisor: " << error.what() << "\n";
    return kExitModule;
  }
  int worst = kExitStopped;
  for (const auto& path : options.histories) worst = std::max(worst, replay_file(module, path));
  return worst;
}

}  // namespace temporal::supervisor
