// SPDX-License-Identifier: MIT
// One word on the control page: for which task, and why it shall stop. The supervisor writes it,
// the child reads it with one load. The task's number is in it, so that a late cancel cannot hit
// the next task.
//
//   31      8 7      0
//   task      reasons      task: the lowest 24 bits of its number
#pragma once

#include <chrono>
#include <cstdint>

#include "shared/ipc/arena.hpp"

namespace temporal::ipc {

/// A set of reasons; values are 1 << temporal::CancelReason.
using CancelReasons = std::uint8_t;

/// The supervisor's side.
class CancelWriter {
 public:
  explicit CancelWriter(SharedNumber& word) noexcept : shared_(&word) {}
  /// A new task, with no reason to stop.
  void begin(std::uint64_t task) noexcept;
  /// Adds reasons to those the current task has, and wakes it if it waits for one.
  void add(CancelReasons reasons) noexcept;
  [[nodiscard]] CancelReasons reasons() const noexcept {
    return static_cast<CancelReasons>(word_ & 0xff);
  }

 private:
  SharedNumber* shared_;
  std::uint32_t word_ = 0;
};

/// The child's side, for one task.
class CancelReader {
 public:
  CancelReader(const SharedNumber& word, std::uint64_t task) noexcept
      : shared_(&word), task_(static_cast<std::uint32_t>(task << 8)) {}

  /// 0: go on.
  [[nodiscard]] CancelReasons reasons() const noexcept { return of(shared_->load()); }
  /// As reasons(), but waits for the first one at most that long. Signals do not cut it short.
  [[nodiscard]] CancelReasons wait(std::chrono::nanoseconds timeout) const noexcept;

 private:
  [[nodiscard]] CancelReasons of(std::uint32_t word) const noexcept {
    return (word & ~0xffU) == task_ ? static_cast<CancelReasons>(word & 0xff) : CancelReasons{0};
  }
  const SharedNumber* shared_;
  std::uint32_t task_;
};

/// The notice of a stopping worker is a word beside it: raised once, never lowered.
void raise_notice(SharedNumber& word) noexcept;
/// True when it was raised within `timeout`.
[[nodiscard]] bool wait_notice(const SharedNumber& word, std::chrono::nanoseconds timeout) noexcept;

}  // namespace temporal::ipc
