// SPDX-License-Identifier: MIT
#pragma once

#include <span>

namespace temporal {

/// `Class: what it says`, cut to what there is room for and ended by a zero; empty when nothing was thrown. For a terminate
/// handler: allocates, so not for a signal's.
void describe_current_exception(std::span<char> into) noexcept;

}  // namespace temporal
