// SPDX-License-Identifier: MIT
// What activities measure, wherever they run. It may come from a process that has gone mad: nothing
// of it is believed before it was looked at, and it can neither grow without bound nor pass for a
// metric of the worker's own.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/observe/metrics.hpp"
#include "supervisor/observe/metrics_options.hpp"
#include "temporal/log.hpp"
#include "temporal/metrics.hpp"

namespace temporal::supervisor {

/// Upper bounds of histograms that have none of their own.
inline constexpr std::array<double, 6> kOtherBuckets{50, 100, 500, 1'000, 2'500, 10'000};

/// What the metrics of all activities of a worker share. Any thread may use it.
class UserMeter {
 public:
  static constexpr std::size_t kMostSeries = 2'000;
  static constexpr std::size_t kMostLabels = 16;

  /// `common`: labels of every series. `log` may be written from any thread. `options` outlive this.
  UserMeter(MetricRegistry& registry, MetricLabels common, Logger& log,
            const MetricsOptions& options, std::size_t most_series = kMostSeries);

 private:
  friend class UserMetrics;
  enum Refusal { bad_name, bad_label, bad_value, other_kind, too_many_series, kRefusals };

  MetricRegistry& registry_;
  const MetricLabels common_;
  Logger& log_;
  const MetricsOptions& options_;
  const std::size_t most_series_;
  std::atomic<std::size_t> series_ = 0;
  std::vector<Counter> refused_;  // by Refusal
  std::array<std::atomic<bool>, kRefusals> said_{};
};

/// The metrics of one type of activity, or of workflow: any number of attempts, or runs, share them. Any thread may write.
class UserMetrics final : public Metrics {
 public:
  /// Without an activity type: the workflow's own.
  UserMetrics(UserMeter& meter, std::string activity_type, std::string workflow_type);

  /// As if each value were recorded by itself.
  void record_all(MetricKind kind, std::string_view name, std::span<const double> values,
                  const MetricLabels& labels);
  void record(MetricKind kind, std::string_view name, double value,
              const MetricLabels& labels) override {
    record_all(kind, name, {&value, 1}, labels);
  }

 private:
  using Refusal = UserMeter::Refusal;
  /// Counts it and says it once. Null.
  MetricSeries* refuse(Refusal why, std::string_view name);
  MetricSeries* series(MetricKind kind, std::string_view name, const MetricLabels& labels);
  MetricSeries* new_series(MetricKind kind, std::string_view name, const MetricLabels& labels);

  UserMeter& meter_;
  MetricLabels own_;  // of this activity, and the common ones; sorted
};

}  // namespace temporal::supervisor
