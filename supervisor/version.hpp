// SPDX-License-Identifier: MIT
#pragma once

namespace temporal::supervisor {

/// Kept equal to meson.build's by a test.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace temporal::supervisor
