// SPDX-License-Identifier: MIT
// What is that thread doing? A real-time signal makes it write down its own stack, as raw addresses
// in memory that was there before, and whose turn it was at that instant. Names come later, outside
// the handler: symbols.hpp.
//
// Known limits. A thread that blocks all signals, or waits uninterruptibly in the kernel (a dead
// network file system), does not answer. The signal cuts short what the kernel never restarts: a
// sleep(), which then returns the time that was left, a poll() or select(), which says EINTR. All
// other system calls go on (SA_RESTART).
#pragma once

#include <sys/types.h>
#include <ucontext.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "supervisor/threads/current_task.hpp"

namespace temporal::supervisor {

/// One thread at one instant. Plain bytes.
struct ThreadSnapshot {
  static constexpr std::size_t kFrames = 64;
  static constexpr std::size_t kCoroutines = 16;

  /// The instruction that runs, then those that called it: addresses inside the calls, not after.
  /// Of a thread that runs a step of a task, that step's part.
  [[nodiscard]] std::span<const std::uintptr_t> stack() const noexcept {
    return {frames.data(), frame_count};
  }
  /// Resume functions of the task's coroutines, innermost first: each is awaited by the next.
  [[nodiscard]] std::span<const std::uintptr_t> coroutines() const noexcept {
    return {chain.data(), chain_count};
  }

  std::array<std::uintptr_t, kFrames> frames{};
  std::size_t frame_count = 0;
  std::array<std::uintptr_t, kCoroutines> chain{};
  std::size_t chain_count = 0;
  TaskRecord task;
  bool has_task = false;
};

/// Installs the probing signal (the highest real-time signal nobody handles) and makes the unwinder
/// ready for use in handlers. Once per process; further calls do nothing. Throws std::system_error
/// when every real-time signal is taken. Any thread.
void prepare_stacks();

/// Stops `thread` (a kernel thread id of this process) for the moment it takes to look. Nothing: it
/// is gone, or did not answer within `patience`. After prepare_stacks(); any thread, one at a time:
/// waits for its turn.
[[nodiscard]] std::optional<ThreadSnapshot> snapshot_of(
    pid_t thread, std::chrono::milliseconds patience = std::chrono::milliseconds(100));

/// The calling thread, inside a signal handler: `interrupted` is the handler's third argument. The
/// handler's own frames are left out. Async-signal-safe after prepare_stacks().
void take_snapshot(ThreadSnapshot& into, ucontext_t& interrupted) noexcept;

}  // namespace temporal::supervisor
