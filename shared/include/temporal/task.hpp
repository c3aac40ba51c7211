// SPDX-License-Identifier: MIT
// Task<T>: what a workflow coroutine returns. Lazy: it starts when it is awaited (or spawned); one
// awaiter; resumed only by its run's loop.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "temporal/export.hpp"
#include "temporal/trampoline.hpp"

namespace temporal {

template <class T = void>
class Task;

namespace detail {

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

/// Owns at most one frame. The frame knows its owner, so that an eviction can take it away.
class TEMPORAL_API TaskOwner {
 public:
  TaskOwner() noexcept = default;
  explicit TaskOwner(Frame* frame) noexcept : frame_(frame) { frame_->owner = this; }
  TaskOwner(TaskOwner&& other) noexcept { adopt(other); }
  TaskOwner& operator=(TaskOwner&& other) noexcept {
    if (this != &other) {
      reset();
      adopt(other);
    }
    return *this;
  }
  ~TaskOwner() { reset(); }

  void reset() noexcept {
    if (auto* frame = std::exchange(frame_, nullptr)) {
      frame->owner = nullptr;
      frame->handle.destroy();
    }
  }
  void detach() noexcept { frame_ = nullptr; }
  [[nodiscard]] Frame* frame() const noexcept { return frame_; }

 private:
  void adopt(TaskOwner& other) noexcept {
    frame_ = std::exchange(other.frame_, nullptr);
    if (frame_) frame_->owner = this;
  }
  Frame* frame_ = nullptr;
};

struct PromiseBase : Frame {
  Trampoline* trampoline = current_trampoline();
  std::exception_ptr error{};

  PromiseBase() {
    if (trampoline) trampoline->link(*this);
  }
  ~PromiseBase() {
    if (trampoline) trampoline->unlink(*this);
  }
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  // A frame's size is known here only, before there is a promise. Both are in the library: inlined into a coroutine, GCC 12 takes
  // them for a mismatched pair.
  TEMPORAL_API static void* operator new(std::size_t bytes);
  TEMPORAL_API static void operator delete(void* frame, std::size_t bytes) noexcept;

  std::suspend_always initial_suspend() noexcept { return {}; }
  /// Notes the line of each co_await: for stack traces, and for what a command is blamed on.
  template <class Awaited>
  Awaited&& await_transform(Awaited&& awaited,
                            std::source_location here = std::source_location::current()) noexcept {
    where = here;
    if constexpr (requires { awaited.awaited_at(here); }) awaited.awaited_at(here);
    return std::forward<Awaited>(awaited);
  }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  struct Return {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> finished) noexcept {
      PromiseBase& promise = finished.promise();
      if (promise.awaiting) promise.trampoline->next(*promise.awaiting);
    }
    void await_resume() noexcept {}
  };
  Return final_suspend() noexcept { return {}; }
};

/// A coroutine that ran off its end; `where` it waited last.
[[noreturn]] TEMPORAL_API void throw_no_result(std::source_location where);

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value{};
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (error) std::rethrow_exception(error);
    if (!value) throw_no_result(where);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  Task(Task&&) noexcept = default;
  Task& operator=(Task&&) noexcept = default;

  struct Awaiter {
    detail::Promise<T>& promise;
    bool await_ready() const noexcept { return promise.handle.done(); }
    template <class Outer>
    void await_suspend(std::coroutine_handle<Outer> outer) noexcept {
      detail::Frame& waiting = outer.promise();
      promise.awaiting = &waiting;
      promise.scope = promise.trampoline->scope();  // lazy: it begins where it is awaited
      promise.trampoline->leave(waiting);
      promise.trampoline->next(promise);
    }
    T await_resume() { return promise.take(); }
  };
  Awaiter operator co_await() & noexcept { return {promise()}; }
  Awaiter operator co_await() && noexcept { return {promise()}; }

  /// For the engine: the frame behind this task.
  [[nodiscard]] detail::Promise<T>& promise() const noexcept {
    return static_cast<detail::Promise<T>&>(*owner_.frame());
  }

 private:
  friend promise_type;
  explicit Task(detail::Frame* frame) noexcept : owner_(frame) {}
  detail::TaskOwner owner_;
};

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  handle = std::coroutine_handle<Promise>::from_promise(*this);
  return Task<T>(this);
}

inline Task<void> Promise<void>::get_return_object() noexcept {
  handle = std::coroutine_handle<Promise>::from_promise(*this);
  return Task<void>(this);
}

}  // namespace detail
}  // namespace temporal
