// SPDX-License-Identifier: MIT
// What a user may say of metrics: --metrics and the flags that begin like it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "temporal/metrics.hpp"

namespace temporal::supervisor {

struct MetricsOptions {
  enum class Unit { milliseconds, seconds };

  std::string address{};             ///< HOST:PORT; empty: none are served
  std::string prefix = "temporal_";  ///< of the worker's own; activities may not use it
  Unit unit = Unit::milliseconds;    ///< of latencies
  MetricLabels labels{};             ///< of every series, beside the worker's own
  /// Upper bounds, rising, by the name of the histogram with its prefix, in the unit that is shown.
  std::map<std::string, std::vector<double>> buckets{};
};

// What is wrong, as a sentence that says what to write instead; nothing when all is well.
/// "K=V".
[[nodiscard]] std::optional<std::string> add_label(MetricsOptions& options,
                                                   const std::string& text);
/// "NAME=10,100,1000".
[[nodiscard]] std::optional<std::string> add_buckets(MetricsOptions& options,
                                                     const std::string& text);
/// Of address and prefix, with the flag's name.
[[nodiscard]] std::optional<std::string> fault_of(const MetricsOptions& options);

}  // namespace temporal::supervisor
