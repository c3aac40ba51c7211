// SPDX-License-Identifier: MIT
// A worker as a program of your own: the modules are linked in, the flags are those of
// temporal-supervisor without --module.
#pragma once

#include <initializer_list>

#include "temporal/export.hpp"
#include "temporal/module.hpp"

namespace temporal {

/// Serves until it is told to stop; returns the exit code for main():
///
///     int main(int argc, char** argv) { return temporal::run_worker(argc, argv, {hello, shop}); }
///
/// Nothing else may run before it in main(): the same program is started again as the zygote of its
/// children, and this call is where it notices.
TEMPORAL_API int run_worker(int argc, char** argv, std::initializer_list<ModuleFunction> modules);

}  // namespace temporal
