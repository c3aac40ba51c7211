// SPDX-License-Identifier: MIT
// The run loop as a coroutine sees it. Coroutines never resume each other: they leave a handle here
// and return, so the stack is as deep for 100,000 awaits as for one, in every build type. Not for
// users: Task and Future stand on it.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <source_location>
#include <utility>

#include "temporal/export.hpp"

namespace temporal::detail {

class TaskOwner;
struct Scope;

/// One coroutine frame, linked into its run's list from creation to destruction, so that an
/// eviction can destroy what it never resumes.
struct Frame {
  std::coroutine_handle<> handle{};
  Frame* awaiting = nullptr;   ///< the coroutine that waits for this one
  TaskOwner* owner = nullptr;  ///< the Task object that would destroy it
  Frame* older = nullptr;
  Frame* newer = nullptr;
  Frame* behind = nullptr;         ///< the next one that is ready, while this one is
  std::size_t bytes = 0;           ///< of memory, locals and all; 0 when it lies in another frame
  std::shared_ptr<Scope> scope{};  ///< of what it starts; while it runs the trampoline has it
  std::source_location where{};    ///< its latest co_await
};

/// Thread rule: belongs to one run; touched only by the thread that activates it.
class TEMPORAL_API Trampoline {
 public:
  Trampoline() = default;
  Trampoline(const Trampoline&) = delete;
  Trampoline& operator=(const Trampoline&) = delete;
  ~Trampoline();

  /// Runs before anything that is queued: a call of, or a return from, another coroutine.
  void next(Frame& frame) noexcept { next_ = &frame; }
  /// Queued in arrival order: somebody's wait is over.
  void ready(Frame& frame) noexcept {
    frame.behind = nullptr;
    (last_ready_ ? last_ready_->behind : first_ready_) = &frame;
    last_ready_ = &frame;
  }

  /// Resumes until nothing is ready.
  void run();
  [[nodiscard]] bool idle() const noexcept { return !next_ && !first_ready_; }

  /// Of the coroutine that runs. Null: the run's own.
  [[nodiscard]] const std::shared_ptr<Scope>& scope() const noexcept { return scope_; }
  /// Returns the one before.
  std::shared_ptr<Scope> enter(std::shared_ptr<Scope> scope) noexcept {
    return std::exchange(scope_, std::move(scope));
  }
  /// The running coroutine is about to wait.
  void leave(Frame& frame) noexcept { frame.scope = std::move(scope_); }

  /// Memory was taken for the frame that is linked next.
  void allocated(std::size_t bytes) noexcept { allocated_ = bytes; }
  void link(Frame& frame) noexcept;
  void unlink(Frame& frame) noexcept;
  /// Destroys every frame, newest first: what a coroutine borrowed existed before it did, so no
  /// frame outlives what it refers to. Nothing is resumed and the stack does not grow: owners are
  /// detached first.
  void destroy_all() noexcept;
  [[nodiscard]] std::size_t frames() const noexcept { return frames_; }
  /// Of all frames. What their locals point to is not in it.
  [[nodiscard]] std::size_t frame_bytes() const noexcept { return frame_bytes_; }
  /// The coroutine that runs; null between two. Also in a signal handler on its thread.
  [[nodiscard]] const Frame* running() const noexcept { return running_; }
  /// Null when there is none; its `older` leads to the others.
  [[nodiscard]] const Frame* newest() const noexcept { return newest_; }

 private:
  Frame* next_ = nullptr;
  Frame* volatile running_ = nullptr;
  Frame* first_ready_ = nullptr;
  Frame* last_ready_ = nullptr;
  std::shared_ptr<Scope> scope_;
  Frame* newest_ = nullptr;
  std::size_t frames_ = 0;
  std::size_t frame_bytes_ = 0;
  std::size_t allocated_ = 0;
};

/// The run whose code is on this thread now; null outside workflow code.
TEMPORAL_API Trampoline* current_trampoline() noexcept;
TEMPORAL_API void set_current_trampoline(Trampoline* trampoline) noexcept;

}  // namespace temporal::detail
