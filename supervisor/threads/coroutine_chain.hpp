// SPDX-License-Identifier: MIT
// A trampoline's stack ends at the innermost coroutine: those that await it hang on each other by
// pointers. This is where the chain of one task's coroutines is found, so that a report can name
// them.
//
// What it stands on: boost::asio::detail::awaitable_frame keeps its caller and the innermost frame
// of its thread of execution (fixed for the Boost version this was written against, else there is no
// chain), and the first word of a coroutine's frame is its resume function (GCC and Clang). The
// chain is read on its own thread only, in a signal handler, through the kernel: a wrong pointer is
// an answer, not a crash.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "supervisor/threads/current_task.hpp"

namespace temporal::supervisor {

/// The bottom of a stack of coroutines.
using CoroutineEntry =
    boost::asio::detail::awaitable_frame<boost::asio::detail::awaitable_thread_entry_point,
                                         boost::asio::any_io_executor>;

/// That of the awaiting coroutine; null with a Boost this was not written for.
boost::asio::awaitable<const CoroutineEntry*> coroutine_entry();

/// A local variable of a task's outermost coroutine:
///     const CoroutineChain chain(*task, co_await coroutine_entry());
/// `task` must outlive it. Thread rule: the loop thread.
class CoroutineChain {
 public:
  CoroutineChain(TaskIdentity& task, const CoroutineEntry* entry) noexcept;
  CoroutineChain(const CoroutineChain&) = delete;
  CoroutineChain& operator=(const CoroutineChain&) = delete;
  ~CoroutineChain();

  /// The resume functions, innermost coroutine first; how many were written. Async-signal-safe.
  std::size_t read(std::span<std::uintptr_t> into) const noexcept;

 private:
  TaskIdentity& task_;
  const CoroutineEntry* entry_;
};

}  // namespace temporal::supervisor
