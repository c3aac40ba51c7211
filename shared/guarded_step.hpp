// SPDX-License-Identifier: MIT
// User code that has to be deterministic runs on this thread, or not: what the functions ask that
// stand in for those of the system. One copy in a process, beside `unsafe::allow`, which is public.
#pragma once

#include <cstdint>

namespace temporal::detail {

/// One stretch of workflow code, without a pause, on one thread.
struct GuardedStep {
  std::uint64_t number = 0;  ///< from 1; differs from that of every other step
  int allowed = 0;           ///< how many `allow` there are
};

/// Null: none. Initial-exec: reading it is one load, also before anything else is set up.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local GuardedStep* guarded_step;

}  // namespace temporal::detail
