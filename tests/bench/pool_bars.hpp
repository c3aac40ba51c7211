// SPDX-License-Identifier: MIT
// The bars of the process pool beside its rate (pool_bench): what one run of pool_bars measures.
#pragma once

#include <nlohmann/json.hpp>

namespace temporal::bench {

struct BarOptions {
  int children = 2;
  int nice = 5;  ///< of the children, as the worker's default
  double seconds = 2;
};

/// Two processes and their channels, without a pool: rate at depth 32, round trip when both sleep beside that of bare eventfds,
/// a large argument until the other side can read it beside one memcpy.
[[nodiscard]] nlohmann::ordered_json measure_transport(const BarOptions& options);

/// The pool's children: heartbeat, cancellation, death and replacement, large arguments and results, memory.
[[nodiscard]] nlohmann::ordered_json measure_children(const BarOptions& options);

inline constexpr std::size_t kLarge = std::size_t{64} << 20;
inline constexpr int kLargeRounds = 15;

}  // namespace temporal::bench
