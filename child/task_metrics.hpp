// SPDX-License-Identifier: MIT
// An activity may count in a tight loop, and the supervisor must not hear of each step: what was
// measured is summed here and sent once a second, and at the end of the task.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "child/v1/child.pb.h"
#include "temporal/metrics.hpp"

namespace temporal::child {

struct Surroundings;

/// The first write of a task goes at once. What the ring has no room for is dropped, and counted.
class TaskMetrics final : public Metrics {
 public:
  TaskMetrics(Surroundings& surroundings, std::uint64_t task)
      : surroundings_(surroundings), task_(task) {}

  void flush();
  /// When something waits, and a second has passed.
  void flush_if_due() {
    if (!unsent_.empty() && Clock::now() - sent_ >= kInterval) flush();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto kInterval = std::chrono::seconds(1);
  static constexpr std::size_t kMostUnsent = 512;  // series and observations

  void record(MetricKind kind, std::string_view name, double value,
              const MetricLabels& labels) override;

  Surroundings& surroundings_;
  std::uint64_t task_;
  std::map<std::string, v1::Metric> unsent_;
  std::size_t values_ = 0;  // in all of them
  Clock::time_point sent_{};
};

}  // namespace temporal::child
