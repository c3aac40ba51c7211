// SPDX-License-Identifier: MIT
// How long an activity that was told to stop is waited for before its child is ended by force.
#pragma once

#include <chrono>
#include <optional>

#include "temporal/options.hpp"

namespace temporal::supervisor {

/// An activity's own word, else the worker's; none: it is waited for without end.
[[nodiscard]] inline std::optional<std::chrono::nanoseconds> grace_of(
    std::optional<Duration> own, std::optional<std::chrono::milliseconds> standard) {
  if (own) return *own == ActivityLimits::kNever ? std::nullopt : own;
  return standard;
}

}  // namespace temporal::supervisor
