// SPDX-License-Identifier: MIT
// temporal-supervisor replay --module M FILE...: would this code have done what these histories say? A folder stands for the
// *.json and *.bin below it; without files the histories are fetched from the server, of one workflow or of a task queue's
// newest. Several threads share the work.
#pragma once

#include <span>

#include "supervisor/options.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

/// One line per history on stdout, in the order of the files, or of the server's list. Returns 0 when all replay, 1 when one does
/// not, 2 when one cannot be read, 3 when a module cannot be loaded, 5 when the server does not answer.
[[nodiscard]] int replay_command(const Options& options,
                                 std::span<const ModuleFunction> own_modules);

}  // namespace temporal::supervisor
