// SPDX-License-Identifier: MIT
// One unit of input to workflow code. Applying a job runs no code: it queues what will run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "temporal/payload.hpp"

namespace temporal::engine {

struct ReseedJob {
  std::uint64_t seed;
};
struct SignalJob {
  std::string name;
  Payloads arguments;
};
struct StartJob {
  Payloads arguments;
};
struct CancelJob {
  std::string reason;
};
/// A timer fired, an activity ended.
struct ResolveJob {
  std::function<void()> resolve;
};

/// Applied in the order of these types; those of one type, and the last two, in the order of
/// history. Signals are recorded facts that whoever wakes up may want to see, so they come before
/// what wakes it.
using Job = std::variant<ReseedJob, SignalJob, StartJob, CancelJob, ResolveJob>;

[[nodiscard]] inline int rank_of(const Job& job) {
  return static_cast<int>(job.index()) - (std::holds_alternative<ResolveJob>(job) ? 1 : 0);
}

}  // namespace temporal::engine
