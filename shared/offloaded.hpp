// SPDX-License-Identifier: MIT
// Functions that coroutine activities name in in_child<f>() announce themselves while their module
// is loaded.
#pragma once

#include <vector>

#include "temporal/module.hpp"

namespace temporal {

/// What was announced since the last call. Thread rule: the thread that loads modules.
[[nodiscard]] std::vector<detail::OffloadedFunction> take_offloaded();

}  // namespace temporal
