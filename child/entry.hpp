// SPDX-License-Identifier: MIT
// Which process is this? temporal-child is always a zygote; a program with its own main may be
// started again as one.
#pragma once

#include <span>

#include "temporal/module.hpp"

namespace temporal::child {

/// The first line of such a main. When this process was started as a zygote, serves as one and
/// never returns: nothing else may run before it. `own_modules` are loaded before those on the
/// command line.
void run_role_if_any(int argc, char** argv, std::span<const ModuleFunction> own_modules = {});

}  // namespace temporal::child
