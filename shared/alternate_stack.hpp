// SPDX-License-Identifier: MIT
// A thread whose stack has overflowed has none left to say so on.
#pragma once

#include <signal.h>

#include <cstddef>

namespace temporal {

/// The calling thread's handlers run on a stack of their own while this lives: without one, a stack
/// overflow ends the process in silence. A local variable of each thread that runs user code.
class AlternateStack {
 public:
  /// Without memory for it, the thread goes on without.
  AlternateStack() noexcept;
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;
  ~AlternateStack();

 private:
  std::byte* memory_ = nullptr;
  stack_t before_{};
};

}  // namespace temporal
