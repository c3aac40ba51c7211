// SPDX-License-Identifier: MIT
#include "supervisor/observe/process_metrics.hpp"

#include <array>
#include <utility>

#include "supervisor/observe/user_metrics.hpp"

namespace temporal::supervisor {

namespace {

constexpr std::array<double, 8> kLag{1, 10, 20, 50, 100, 200, 500, 1'000};  // ms
constexpr std::size_t kMostStalled = 1'000;  // activity types: others may invent them
constexpr const char* kOther = "other";

Latency lag_of(const MetricMaker& make, const char* loop) {
  return make.latency("supervisor_loop_lag_latency", "From a question to a loop to its answer",
                      kLag, {{"loop", loop}});
}

}  // namespace

ProcessMetrics::ProcessMetrics(MetricRegistry& registry, MetricsOptions options,
                               MetricLabels labels)
    : make_(registry, std::move(options), std::move(labels)),
      core_lag_(lag_of(make_, "core")),
      user_lag_(lag_of(make_, "user")) {}

void ProcessMetrics::request(std::string_view operation, bool long_poll, std::string_view failure,
                             std::chrono::nanoseconds took) {
  const auto& metrics = requests(operation, long_poll);
  metrics.requests.add();
  metrics.latency.observe(took);
  if (failure.empty()) return;
  make_
      .counter(long_poll ? "long_request_failure" : "request_failure",
               "Calls to the server that failed",
               {{"operation", std::string(operation)}, {"status_code", std::string(failure)}})
      .add();
}

const ProcessMetrics::Requests& ProcessMetrics::requests(std::string_view operation,
                                                         bool long_poll) {
  auto& known = long_poll ? long_requests_ : requests_;
  if (const auto found = known.find(operation); found != known.end()) return found->second;
  const std::string prefix = long_poll ? "long_request" : "request";
  const MetricLabels labels{{"operation", std::string(operation)}};
  return known
      .emplace(operation,
               Requests{make_.counter(prefix, "Calls to the server, each try", labels),
                        make_.latency(prefix + "_latency", "Of calls to the server, each try",
                                      kOtherBuckets, labels)})
      .first->second;
}

void ProcessMetrics::on_answer(Watchdog::LoopKind kind, std::chrono::nanoseconds lag) {
  (kind == Watchdog::LoopKind::core ? core_lag_ : user_lag_).observe(lag);
}

void ProcessMetrics::on_stall(std::string_view activity_type) {
  auto found = stalls_.find(activity_type);
  if (found == stalls_.end()) {
    if (stalls_.size() >= kMostStalled && activity_type != kOther) return on_stall(kOther);
    const MetricLabels own{{"activity_type", std::string(activity_type)}};
    const auto counter =
        make_.counter("supervisor_loop_stalls", "Times that a loop did not answer", own);
    found = stalls_.emplace(activity_type, counter).first;
  }
  found->second.add();
}

}  // namespace temporal::supervisor
