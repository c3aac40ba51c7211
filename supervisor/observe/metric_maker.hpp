// SPDX-License-Identifier: MIT
// Some metrics are of the process, some of one of its task queues; both begin with the same prefix,
// show times in the same unit, and carry the labels that the user asked for. That is known here.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "supervisor/observe/metrics.hpp"
#include "supervisor/observe/metrics_options.hpp"

namespace temporal::supervisor {

/// A distribution of durations, shown in the unit of --metrics-unit.
class Latency {
 public:
  Latency(Histogram histogram, double per_nanosecond) noexcept
      : histogram_(histogram), per_nanosecond_(per_nanosecond) {}
  /// Any thread.
  void observe(std::chrono::nanoseconds duration) const noexcept {
    histogram_.observe(static_cast<double>(duration.count()) * per_nanosecond_);
  }

 private:
  Histogram histogram_;
  double per_nanosecond_;
};

/// Any thread may call anything.
class MetricMaker {
 public:
  /// `labels`: of all that it makes, beside those of `options`, service_name, and its own.
  MetricMaker(MetricRegistry& registry, MetricsOptions options, MetricLabels labels);

  // Names are without the prefix.
  [[nodiscard]] Counter counter(std::string_view name, std::string_view help,
                                MetricLabels own = {}) const;
  [[nodiscard]] Gauge gauge(std::string_view name, std::string_view help,
                            MetricLabels own = {}) const;
  /// `in_ms`: upper bounds, unless the options have others.
  [[nodiscard]] Latency latency(std::string_view name, const char* help,
                                std::span<const double> in_ms, MetricLabels own) const;

  [[nodiscard]] MetricRegistry& registry() const noexcept { return registry_; }
  [[nodiscard]] const MetricsOptions& options() const noexcept { return options_; }
  [[nodiscard]] const MetricLabels& labels() const noexcept { return labels_; }

 private:
  [[nodiscard]] std::string full(std::string_view name) const;
  [[nodiscard]] MetricLabels with(MetricLabels own) const;

  MetricRegistry& registry_;
  const MetricsOptions options_;
  MetricLabels labels_;
};

}  // namespace temporal::supervisor
