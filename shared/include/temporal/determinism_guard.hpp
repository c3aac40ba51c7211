// SPDX-License-Identifier: MIT
#pragma once

namespace temporal {

/// What becomes of a workflow task whose code called what a replay would answer differently: the
/// clock, the system's randomness, files, sockets, threads.
enum class DeterminismGuard {
  fail,  ///< it fails, with the name of the function and the stack
  log,   ///< a warning says the same
  off,
};

}  // namespace temporal
