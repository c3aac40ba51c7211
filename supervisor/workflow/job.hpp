// SPDX-License-Identifier: MIT
// One unit of input to workflow code. Applying a job runs no code: it queues what will run.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <variant>

#include "supervisor/workflow/update_request.hpp"
#include "temporal/payload.hpp"
#include "temporal/workflow_interceptor.hpp"

namespace temporal::engine {

struct ReseedJob {
  std::uint64_t seed;
};
struct SignalJob {
  workflow::Call call;
};
struct UpdateJob {
  std::shared_ptr<const UpdateRequest> update;
  bool live;  ///< its validator is asked
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

using Job = std::variant<ReseedJob, SignalJob, UpdateJob, StartJob, CancelJob, ResolveJob>;

/// Applied by rank; those of one rank in the order of history. Signals and updates are recorded facts that whoever wakes up
/// may want to see, so they come before what wakes it.
[[nodiscard]] inline int rank_of(const Job& job) {
  constexpr int kRanks[] = {0, 1, 1, 2, 3, 3};
  static_assert(std::size(kRanks) == std::variant_size_v<Job>);
  return kRanks[job.index()];
}

}  // namespace temporal::engine
