// SPDX-License-Identifier: MIT
// What a signal handler can tell of the code it interrupted. All of it may be called in handlers, after prepare_unwinder().
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace temporal {

/// The first use of the unwinder resolves symbols and sets up tables: no handler may be the first. Any thread, any number of
/// times.
void prepare_unwinder() noexcept;

/// Writes down the instruction that was interrupted, then those that called it: addresses inside the calls, not after. Returns
/// how many; at least one. `interrupted` is as before afterwards. `floor`: where in memory the part of the stack begins that counts; 0: all of it counts.
std::size_t unwind(ucontext_t& interrupted, std::span<std::uintptr_t> frames,
                   std::uintptr_t floor = 0) noexcept;

/// A fault at an address near the stack pointer: there lies the stack, or the guard below it.
[[nodiscard]] bool is_stack_overflow(const siginfo_t& info, const ucontext_t& interrupted) noexcept;

/// By an instruction that failed, rather than by somebody who sent it.
[[nodiscard]] inline bool is_fault(const siginfo_t& info) noexcept { return info.si_code > 0; }

}  // namespace temporal
