// SPDX-License-Identifier: MIT
// What benches make of their samples.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

namespace temporal::bench {

using Clock = std::chrono::steady_clock;

/// Of at least one value.
inline double quantile(std::vector<double>& values, double q) {
  auto at = values.begin() + static_cast<std::ptrdiff_t>(q * double(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

inline double in_microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}
inline double microseconds_since(Clock::time_point start) {
  return in_microseconds(Clock::now() - start);
}

inline nlohmann::ordered_json spread(std::vector<double> values) {
  return {{"p50", quantile(values, 0.5)}, {"p99", quantile(values, 0.99)}};
}

}  // namespace temporal::bench
