// SPDX-License-Identifier: MIT
// Workflow code that asks the clock, the system's randomness, files, sockets or threads gets other
// answers when it is replayed: the worker notices, and fails the task (--determinism-guard). Here is
// the way around it, for code of which you know that it does no harm.
#pragma once

#include <cstdint>

#include "temporal/export.hpp"

namespace temporal::workflow::unsafe {

/// While it lives, what this thread's workflow code calls is not looked at. A local variable, not
/// across a co_await: it ends with the step in which it was made.
///
///     const workflow::unsafe::allow reading_a_table_once;
///     load_table();
class TEMPORAL_API allow {
 public:
  [[nodiscard]] allow() noexcept;
  ~allow();
  allow(const allow&) = delete;
  allow& operator=(const allow&) = delete;

 private:
  std::uint64_t step_;  // 0: made outside of one
};

}  // namespace temporal::workflow::unsafe
