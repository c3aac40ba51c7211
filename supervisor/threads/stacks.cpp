// SPDX-License-Identifier: MIT
#include "supervisor/threads/stacks.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "supervisor/threads/coroutine_chain.hpp"
#include "supervisor/threads/workflow_chain.hpp"

namespace temporal::supervisor {

namespace {

using namespace std::chrono_literals;

int probe_signal = 0;

// The one question that can be open, and where its answer goes.
//
//  state      who           on                    →  state
//  idle       asker         sends the signal         asked
//  asked      the handler   begins                   answering
//  answering  the handler   has written              answered
//  asked      asker         loses patience           idle       a late signal finds nothing to do
//  answered   asker         has copied, or next asks idle
enum State : std::uint32_t { idle, asked, answering, answered };
struct Probe {
  std::atomic<std::uint32_t> state = idle;
  std::atomic<int> ticket = 0;
  ThreadSnapshot snapshot;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
Probe probe;

std::uintptr_t program_counter(const ucontext_t& context) noexcept {
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return context.uc_mcontext.pc;
#else
#error "where does this machine's ucontext_t keep the program counter?"
#endif
}

struct Unwinding {
  ThreadSnapshot& into;
  std::uintptr_t start;  // frames before this address are the handler's
  std::uintptr_t floor;  // where in memory the task's part of the stack begins; 0: unknown
  bool started;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  auto& unwinding = *static_cast<Unwinding*>(argument);
  int at_instruction = 0;  // interrupted there, not calling from there
  const auto address = static_cast<std::uintptr_t>(_Unwind_GetIPInfo(context, &at_instruction));
  if (address == 0) return _URC_END_OF_STACK;
  if (!unwinding.started && address == unwinding.start) unwinding.started = true;
  if (!unwinding.started) return _URC_NO_REASON;
  auto& into = unwinding.into;
  if (unwinding.floor != 0 &&
      static_cast<std::uintptr_t>(_Unwind_GetCFA(context)) > unwinding.floor) {
    if (into.frame_count > 0) return _URC_END_OF_STACK;
    unwinding.floor = 0;  // user code that has a stack elsewhere
  }
  into.frames[into.frame_count++] = at_instruction ? address : address - 1;
  return into.frame_count < into.frames.size() ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void unwind(ThreadSnapshot& into, std::uintptr_t start, std::uintptr_t floor) noexcept {
  Unwinding unwinding{into, start, floor, start == 0};
  _Unwind_Backtrace(add_frame, &unwinding);
}

#if defined(__x86_64__)
// A call through a bad pointer leaves an address at which no function is, and the unwinder stops.
// The caller is on top of the stack: as if the call had just returned.
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

void on_probe(int, siginfo_t* info, void* context) {
  const int saved = errno;
  std::uint32_t expected = asked;
  if (info->si_code == SI_QUEUE && info->si_value.sival_int == probe.ticket.load() &&
      probe.state.compare_exchange_strong(expected, answering)) {
    take_snapshot(probe.snapshot, *static_cast<ucontext_t*>(context));
    probe.state.store(answered);
  }
  errno = saved;
}

bool send(pid_t thread, int ticket) noexcept {
  siginfo_t info{};
  info.si_signo = probe_signal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_int = ticket;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), thread, probe_signal, &info) == 0;
}

int take_free_signal() {
  // Others who need one count from SIGRTMIN up.
  for (int candidate = SIGRTMAX - 1; candidate >= SIGRTMIN; --candidate) {
    struct sigaction action {};
    if (::sigaction(candidate, nullptr, &action) != 0) continue;
    if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_sigaction = on_probe;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    // No handler of the user's runs on top of ours.
    ::sigfillset(&action.sa_mask);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
      ::sigdelset(&action.sa_mask, fault);
    if (::sigaction(candidate, &action, nullptr) == 0) return candidate;
  }
  throw std::system_error(EBUSY, std::generic_category(),
                          "no real-time signal is free to look at stuck threads");
}

}  // namespace

void prepare_stacks() {
  static std::once_flag once;
  std::call_once(once, [] {
    // The first use of the unwinder resolves symbols and sets up tables.
    ThreadSnapshot warm;
    unwind(warm, 0, 0);
    probe_signal = take_free_signal();
  });
}

void take_snapshot(ThreadSnapshot& into, ucontext_t& interrupted) noexcept {
  const auto* slot = TaskSlot::in_handler();
  const auto* step = slot ? slot->current() : nullptr;

  into.frame_count = 0;
  const auto registers = interrupted;
  const auto where = program_counter(interrupted);
  if (return_from_bad_call(interrupted)) into.frames[into.frame_count++] = where;
  unwind(into, program_counter(interrupted), reinterpret_cast<std::uintptr_t>(step));
  interrupted = registers;
  if (into.frame_count == 0) into.frames[into.frame_count++] = where;

  into.has_task = step != nullptr;
  into.chain_count = 0;
  if (step) {
    into.task = step->task().record();
    if (const auto* chain = step->task().chain()) into.chain_count = chain->read(into.chain);
    if (into.chain_count == 0) into.chain_count = read_workflow_chain(into.chain);
  }
}

std::optional<ThreadSnapshot> snapshot_of(pid_t thread, std::chrono::milliseconds patience) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  // An earlier answer that took too long to be waited for, and is over now or not.
  std::uint32_t late = answered;
  probe.state.compare_exchange_strong(late, idle);
  if (probe.state.load() != idle) return std::nullopt;

  const int ticket = probe.ticket.load() + 1;
  probe.ticket.store(ticket);
  probe.state.store(asked);
  const auto give_up = std::chrono::steady_clock::now() + patience;
  bool sent = send(thread, ticket);
  while (sent && probe.state.load() != answered && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(200us);

  std::uint32_t expected = asked;
  if (probe.state.compare_exchange_strong(expected, idle)) return std::nullopt;
  // It has begun to write: on a busy machine that may last.
  const auto give_up_for_good = std::chrono::steady_clock::now() + 1s;
  while (probe.state.load() != answered) {
    if (std::chrono::steady_clock::now() > give_up_for_good) return std::nullopt;
    std::this_thread::sleep_for(200us);
  }
  auto snapshot = probe.snapshot;
  probe.state.store(idle);
  return snapshot;
}

}  // namespace temporal::supervisor
