// SPDX-License-Identifier: MIT
#include <temporal/module.hpp>

extern "C" TEMPORAL_API void temporal_module_register(temporal::Module&) {}
extern "C" TEMPORAL_API const char* temporal_module_abi() { return "temporal-module-0"; }
