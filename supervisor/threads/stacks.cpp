// SPDX-License-Identifier: MIT
#include "supervisor/threads/stacks.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "shared/interrupted.hpp"
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
    prepare_unwinder();
    probe_signal = take_free_signal();
  });
}

void take_snapshot(ThreadSnapshot& into, ucontext_t& interrupted) noexcept {
  const auto* slot = TaskSlot::in_handler();
  const auto* step = slot ? slot->current() : nullptr;

  into.frame_count = unwind(interrupted, into.frames, reinterpret_cast<std::uintptr_t>(step));

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
