// SPDX-License-Identifier: MIT
// The signals by which code that went wrong ends its process, and whose they are.
#pragma once

#include <array>
#include <csignal>

#if defined(__SANITIZE_ADDRESS__) || defined(TEMPORAL_THREAD_SANITIZER)
#define TEMPORAL_CRASHES_ARE_THE_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEMPORAL_CRASHES_ARE_THE_SANITIZERS 1
#endif
#endif

namespace temporal {

inline constexpr std::array kFaults{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/// A sanitizer handles them itself, and says more.
#ifdef TEMPORAL_CRASHES_ARE_THE_SANITIZERS
inline constexpr bool kCrashesAreOurs = false;
#else
inline constexpr bool kCrashesAreOurs = true;
#endif

}  // namespace temporal
