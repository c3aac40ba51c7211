// SPDX-License-Identifier: MIT
#include "child/crash_handler.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <exception>

#include "shared/exception_text.hpp"
#include "shared/faults.hpp"
#include "shared/interrupted.hpp"

namespace temporal::child {
namespace {

ipc::CrashPage* first_page = nullptr;
constinit thread_local ipc::CrashPage* own_page = nullptr;  // of the tasks of this thread
pid_t owner = 0;                 // what an activity forks has the handlers, but not the arena
std::atomic<pid_t> crashed = 0;  // the thread that was first
std::terminate_handler terminate_before = nullptr;

void wait_for_the_end() noexcept {
  constexpr timespec kPatience{2, 0};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &kPatience, nullptr);
}

ipc::CrashPage& page_to_write() noexcept { return own_page ? *own_page : *first_page; }

// Nobody's task is to blame: an own thread of an activity's, or somebody outside. The main thread gets what kill() sends.
bool is_strangers(const siginfo_t& info) noexcept { return !own_page || info.si_code == SI_USER; }

void on_crash(int signal, siginfo_t* info, void* context) {
  pid_t first = 0;
  const pid_t me = ::gettid();
  const bool ours = ::getpid() == owner;
  if (ours && crashed.compare_exchange_strong(first, me)) {
    auto& interrupted = *static_cast<ucontext_t*>(context);
    const ipc::CrashWriter writer(page_to_write());
    const auto frames = unwind(interrupted, writer.frames());
    writer.write(signal, is_stack_overflow(*info, interrupted), is_strangers(*info), frames);
  } else if (ours && first != me) {
    wait_for_the_end();  // of the one that is written down
  }
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(signal, &standard, nullptr);
  ::syscall(SYS_tgkill, ::getpid(), me, signal);
}

// It ends in SIGABRT, whose handler must not ask what was thrown.
[[noreturn]] void on_terminate() {
  if (::getpid() == owner)
    describe_current_exception(ipc::CrashWriter(page_to_write()).exception());
  if (terminate_before) terminate_before();
  std::abort();
}

// Not with _exit(), which asks nobody.
void on_exit() {
  if (::getpid() == owner && own_page) own_page->exits.store(1);
}

}  // namespace

CrashHandler::CrashHandler(ipc::CrashPage& page) {
  own_page = &page;
  if (first_page) return;
  first_page = &page;
  owner = ::getpid();
  std::atexit(on_exit);
  std::at_quick_exit(on_exit);
  if (!kCrashesAreOurs) return;
  prepare_unwinder();
  terminate_before = std::set_terminate(on_terminate);
  const auto action = fault_action(on_crash);
  for (int signal : kFaults) ::sigaction(signal, &action, nullptr);
  ::sigaction(SIGXCPU, &action, nullptr);  // what used up the CPU time is told by the same stack
}

}  // namespace temporal::child
