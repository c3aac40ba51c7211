// SPDX-License-Identifier: MIT
#include "temporal/trampoline.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "temporal/task.hpp"

namespace temporal::detail {

Trampoline::~Trampoline() { destroy_all(); }

void Trampoline::run() {
  for (;;) {
    auto* frame = std::exchange(next_, nullptr);
    if (!frame) {
      if (!first_ready_) break;
      frame = first_ready_;
      first_ready_ = frame->behind;
      if (!first_ready_) last_ready_ = nullptr;
    }
    scope_ = std::move(frame->scope);
    running_ = frame;
    frame->handle.resume();
    running_ = nullptr;
  }
  scope_ = nullptr;
}

void Trampoline::link(Frame& frame) noexcept {
  frame.older = newest_;
  if (newest_) newest_->newer = &frame;
  newest_ = &frame;
  ++frames_;
  frame.bytes = std::exchange(allocated_, 0);
  frame_bytes_ += frame.bytes;
}

void Trampoline::unlink(Frame& frame) noexcept {
  (frame.newer ? frame.newer->older : newest_) = frame.older;
  if (frame.older) frame.older->newer = frame.newer;
  --frames_;
  frame_bytes_ -= frame.bytes;
}

void Trampoline::destroy_all() noexcept {
  next_ = nullptr;
  first_ready_ = last_ready_ = nullptr;
  for (auto* frame = newest_; frame; frame = frame->older)
    if (auto* owner = std::exchange(frame->owner, nullptr)) owner->detach();
  // A destructor may make coroutines of its own; they are linked too, and go next.
  while (newest_) {
    if (auto* owner = std::exchange(newest_->owner, nullptr)) owner->detach();
    newest_->handle.destroy();
  }
}

void* PromiseBase::operator new(std::size_t bytes) {
  void* frame = ::operator new(bytes);
  if (auto* run = current_trampoline()) run->allocated(bytes);
  return frame;
}

// Not by the size: Clang knows no such function before version 19.
void PromiseBase::operator delete(void* frame, std::size_t) noexcept { ::operator delete(frame); }

void throw_no_result(std::source_location where) {
  const bool waited = where.line() > 0;
  throw std::logic_error("a coroutine ended without co_return, and was to return a value" +
                         (waited ? "; it waited last at " + std::string(where.file_name()) + ":" +
                                       std::to_string(where.line())
                                 : std::string()));
}

}  // namespace temporal::detail
