// SPDX-License-Identifier: MIT
#include "shared/interrupted.hpp"

#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include <array>

namespace temporal {

namespace {

std::uintptr_t program_counter(const ucontext_t& context) noexcept {
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return context.uc_mcontext.pc;
#else
#error "where does this machine's ucontext_t keep the program counter?"
#endif
}

std::uintptr_t stack_pointer(const ucontext_t& context) noexcept {
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP]);
#else
  return context.uc_mcontext.sp;
#endif
}

struct Unwinding {
  std::span<std::uintptr_t> frames;
  std::size_t count;
  std::uintptr_t start;  // frames before this address are the handler's; 0: none are
  std::uintptr_t floor;  // where in memory the part that counts begins; 0: unknown
  bool started;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  auto& unwinding = *static_cast<Unwinding*>(argument);
  int at_instruction = 0;  // interrupted there, not calling from there
  const auto address = static_cast<std::uintptr_t>(_Unwind_GetIPInfo(context, &at_instruction));
  if (address == 0) return _URC_END_OF_STACK;
  if (!unwinding.started && address == unwinding.start) unwinding.started = true;
  if (!unwinding.started) return _URC_NO_REASON;
  if (unwinding.floor != 0 &&
      static_cast<std::uintptr_t>(_Unwind_GetCFA(context)) > unwinding.floor) {
    if (unwinding.count > 0) return _URC_END_OF_STACK;
    unwinding.floor = 0;  // user code that has a stack elsewhere
  }
  if (unwinding.count == unwinding.frames.size()) return _URC_END_OF_STACK;
  unwinding.frames[unwinding.count++] = at_instruction ? address : address - 1;
  return _URC_NO_REASON;
}

#if defined(__x86_64__)
// A call through a bad pointer leaves an address at which no function is, and the unwinder stops.
// The caller is on top of the stack: as if the call had just returned. It stands in the context that
// the unwinder finds on the stack of the handler, so that has to say so too.
bool return_from_bad_call(ucontext_t& context) noexcept {
  dl_find_object object{};
  auto& registers = context.uc_mcontext.gregs;
  if (::_dl_find_object(reinterpret_cast<void*>(registers[REG_RIP]), &object) == 0) return false;
  greg_t caller = 0;
  const ::iovec here{&caller, sizeof caller};
  const ::iovec there{reinterpret_cast<void*>(registers[REG_RSP]), sizeof caller};
  if (::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) != ssize_t{sizeof caller} ||
      ::_dl_find_object(reinterpret_cast<void*>(caller), &object) != 0)
    return false;
  registers[REG_RIP] = caller;
  registers[REG_RSP] += static_cast<greg_t>(sizeof caller);
  return true;
}
#else
bool return_from_bad_call(ucontext_t&) noexcept { return false; }
#endif

}  // namespace

void prepare_unwinder() noexcept {
  std::array<std::uintptr_t, 4> frames{};
  Unwinding warm{frames, 0, 0, 0, true};
  _Unwind_Backtrace(add_frame, &warm);
}

std::size_t unwind(ucontext_t& interrupted, std::span<std::uintptr_t> frames,
                   std::uintptr_t floor) noexcept {
  const auto registers = interrupted;
  const auto where = program_counter(interrupted);
  Unwinding unwinding{frames, 0, 0, floor, false};
  if (return_from_bad_call(interrupted)) frames[unwinding.count++] = where;
  unwinding.start = program_counter(interrupted);
  _Unwind_Backtrace(add_frame, &unwinding);
  interrupted = registers;
  if (unwinding.count == 0) frames[unwinding.count++] = where;
  return unwinding.count;
}

bool is_stack_overflow(const siginfo_t& info, const ucontext_t& interrupted) noexcept {
  constexpr std::uintptr_t kBelow = 64 * 1024, kLargestFrame = 1024 * 1024;
  if (info.si_signo != SIGSEGV || !is_fault(info)) return false;
  const auto address = reinterpret_cast<std::uintptr_t>(info.si_addr);
  const auto stack = stack_pointer(interrupted);
  return address + kBelow > stack && address < stack + kLargestFrame;
}

}  // namespace temporal
