// SPDX-License-Identifier: MIT
// A child's last words, written by its crash handler into its own half of the arena: why it dies, and where it was. Claims like
// all that a child writes, and read once it is dead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/ipc/arena.hpp"

namespace temporal::ipc {

/// What was read of a page.
struct Crash {
  int signal = 0;
  bool stack_overflow = false;
  bool stranger = false;  ///< no task is to blame: another thread's, or sent by somebody
  std::vector<std::uintptr_t> frames{};  ///< in the child's address space, innermost first
  std::string exception{};               ///< that nobody caught, as `Class: what`; any bytes
};

/// Async-signal-safe. One crash is written once.
class CrashWriter {
 public:
  explicit CrashWriter(CrashPage& page) noexcept : page_(&page) {}
  /// By the terminate handler, before the signal.
  [[nodiscard]] std::array<char, kCrashExceptionLimit>& exception() const noexcept {
    return page_->exception;
  }
  /// Room for addresses; how many of them are there is told to write().
  [[nodiscard]] std::array<std::uintptr_t, kCrashFrames>& frames() const noexcept {
    return page_->frames;
  }
  void write(int signal, bool stack_overflow, bool stranger,
             std::size_t frame_count) const noexcept;

 private:
  CrashPage* page_;
};

/// Nothing: its handler did not get so far, or there was no crash.
[[nodiscard]] std::optional<Crash> read_crash(const CrashPage& page);

}  // namespace temporal::ipc
