// SPDX-License-Identifier: MIT
// Functions that coroutine activities name in in_child<f>() announce themselves while their module
// is loaded.
#pragma once

#include "temporal/module.hpp"

namespace temporal {

/// Moves what was announced since the last call into `into`. Thread rule: the thread that loads
/// modules.
void take_offloaded(Module& into);

}  // namespace temporal
