// SPDX-License-Identifier: MIT
// The order in which a program becomes a worker: is it a zygote that was started again? then the
// flags, then the Supervisor.
#include <span>

#include "child/entry.hpp"
#include "supervisor/options.hpp"
#include "supervisor/replay_command.hpp"
#include "supervisor/supervisor.hpp"
#include "temporal/worker.hpp"

namespace temporal {

int run_worker(int argc, char** argv, std::initializer_list<ModuleFunction> modules) {
  const std::span<const ModuleFunction> own(modules.begin(), modules.size());
  child::run_role_if_any(argc, argv, own);

  auto parsed = supervisor::parse_options(argc, argv, !own.empty());
  if (parsed.exit) return parsed.exit_code;
  if (parsed.options.verb == supervisor::Options::Verb::replay)
    return supervisor::replay_command(parsed.options, own);
  supervisor::Log log(parsed.options.log_format, parsed.options.log_level);
  return supervisor::Supervisor(std::move(parsed.options), own, log).run();
}

}  // namespace temporal
