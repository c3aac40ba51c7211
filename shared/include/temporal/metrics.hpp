// SPDX-License-Identifier: MIT
// What user code measures with. Handed out by activity::Context::metrics() and workflow::metrics(): the
// worker adds the labels that say which activity or workflow it was, and shows the result at /metrics
// (--metrics HOST:PORT).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "temporal/export.hpp"

namespace temporal {

enum class MetricKind { counter, gauge, histogram };

/// `{{"format", "pdf"}, {"color", "no"}}`. Keep the number of different values small: each set of
/// labels is a series of its own.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// A name is shown as it is given, and has one kind; those that begin with `temporal_` (or what
/// --metrics-prefix names) are the worker's own. What the worker cannot take (no valid name or label, a value that is not finite,
/// more series than it keeps) is counted, said once in its log, and never fails who measures.
///
/// Thread rule: used by the thread (or the coroutine) that was given it, only while its task runs.
class TEMPORAL_API Metrics {
 public:
  virtual ~Metrics();

  /// Adds to a number that only grows.
  void counter(std::string_view name, std::uint64_t by = 1, const MetricLabels& labels = {}) {
    record(MetricKind::counter, name, static_cast<double>(by), labels);
  }
  /// Sets a number that goes up and down; the last one set is seen.
  void gauge(std::string_view name, double value, const MetricLabels& labels = {}) {
    record(MetricKind::gauge, name, value, labels);
  }
  /// Adds one observation to a distribution. Buckets: 50, 100, 500, 1000, 2500, 10,000, unless
  /// --metrics-buckets names others.
  void histogram(std::string_view name, double value, const MetricLabels& labels = {}) {
    record(MetricKind::histogram, name, value, labels);
  }

 private:
  virtual void record(MetricKind kind, std::string_view name, double value,
                      const MetricLabels& labels) = 0;
};

}  // namespace temporal
