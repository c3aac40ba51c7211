// SPDX-License-Identifier: MIT
// Workflow code must not ask the world: the clock, the system's randomness, files, sockets, threads.
// A listed set of functions is defined here, in a library that comes before libc in the order in
// which names are looked up, so that user modules and libstdc++ call these; each hands on to the
// real one, and notes, when workflow code is what runs on this thread, that it was called.
//
// It never throws, and returns the true value: system_clock::now() is noexcept, and a replay has to
// come to its end to be judged. The cost of a call outside of workflow code is one look at a
// thread_local.
//
// Not seen: what is inlined (rdtsc, an atomic), a raw system call, functions that are not on the
// list (kListed), and what a module brings itself, linked statically.
#pragma once

#include <optional>
#include <span>

#include "shared/guarded_step.hpp"
#include "supervisor/threads/stacks.hpp"

namespace temporal::supervisor {

struct GuardedCall {
  const char* name;    ///< as the user knows it: `time`
  const char* advice;  ///< what to write instead, as the end of a sentence
};

/// While this local variable lives, its thread runs code that has to be deterministic.
class [[nodiscard]] Tripwire : detail::GuardedStep {
 public:
  /// False in a build with a sanitizer, which stands in for the same functions.
  static const bool kAvailable;
  /// All that is looked at.
  static std::span<const GuardedCall* const> listed() noexcept;

  Tripwire() noexcept;
  Tripwire(const Tripwire&) = delete;
  Tripwire& operator=(const Tripwire&) = delete;
  ~Tripwire();

  struct Trip {
    GuardedCall call;
    ThreadSnapshot where;
  };
  /// The first call of one on the list; nothing when there was none.
  [[nodiscard]] const std::optional<Trip>& tripped() const noexcept { return trip_; }

  /// For the functions that stand in: `caller` is where they return to.
  static void note(const GuardedCall& call, const void* caller) noexcept;

 private:
  detail::GuardedStep* before_;
  std::optional<Trip> trip_;
};

}  // namespace temporal::supervisor
