// SPDX-License-Identifier: MIT
// The signals by which code that went wrong ends its process, and whose they are.
#pragma once

#include <signal.h>

#include <array>

#if defined(__SANITIZE_ADDRESS__) || defined(TEMPORAL_THREAD_SANITIZER)
#define TEMPORAL_CRASHES_ARE_THE_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEMPORAL_CRASHES_ARE_THE_SANITIZERS 1
#endif
#endif

namespace temporal {

inline constexpr std::array kFaults{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/// How a handler of these is installed: on the alternate stack, and open to them, so that a crash of the handler comes to the
/// handler again. All other signals wait.
[[nodiscard]] inline struct sigaction fault_action(void (*handler)(int, siginfo_t*,
                                                                   void*)) noexcept {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ::sigfillset(&action.sa_mask);
  for (int signal : kFaults) ::sigdelset(&action.sa_mask, signal);
  return action;
}

/// A sanitizer handles them itself, and says more.
#ifdef TEMPORAL_CRASHES_ARE_THE_SANITIZERS
inline constexpr bool kCrashesAreOurs = false;
#else
inline constexpr bool kCrashesAreOurs = true;
#endif

}  // namespace temporal
