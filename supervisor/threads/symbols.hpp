// SPDX-License-Identifier: MIT
// Raw addresses in, lines a person can read out: `transcode(Video) at video.cpp:31`. By
// libbacktrace, which reads .symtab, so that hidden and static functions have names too, also those
// of modules that were loaded from a memfd.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "supervisor/threads/stacks.hpp"

namespace temporal::supervisor {

struct Frame {
  std::uintptr_t address = 0;
  std::string function{};  ///< demangled; empty when unknown
  std::string file{};      ///< empty without debug information
  int line = 0;
  std::string object{};       ///< file name of the shared object; empty when there is none
  std::uintptr_t offset = 0;  ///< from the start of the object
};

/// `function at file:line`, `function in object`, or `0x… in object+0x…`.
[[nodiscard]] std::string to_string(const Frame& frame);

/// Innermost first; a call that was inlined is a frame too. Takes a lock, reads files and allocates:
/// never in a handler, never on a loop. The first call reads the symbols of all objects.
[[nodiscard]] std::vector<Frame> resolve(std::span<const std::uintptr_t> addresses);

/// What a report prints: the stack without the loop's own frames below the user's, then
/// `awaited by …` for each coroutine that waits for the innermost one. As resolve().
[[nodiscard]] std::vector<std::string> printed(const ThreadSnapshot& snapshot);

/// A stack that was written down elsewhere.
struct PrintedStack {
  std::vector<std::string> lines;  ///< without what called the user's function
  std::string where;  ///< the innermost line that is not the system's; empty: there is none
};
/// Of a child's crash. As resolve().
[[nodiscard]] PrintedStack printed_crash(std::span<const std::uintptr_t> addresses);

}  // namespace temporal::supervisor
