// SPDX-License-Identifier: MIT
// What one task may take, put up around one call. Soft limits only: what a process has lowered for good it could not give the
// next task.
#pragma once

#include <sys/resource.h>

#include <optional>

#include "temporal/options.hpp"

namespace temporal::child {

/// Thread rule: one at a time in a process.
class TaskLimits {
 public:
  /// A limit that the system refuses, or that is beyond the process's own, is left out.
  explicit TaskLimits(const ActivityLimits& limits);
  TaskLimits(const TaskLimits&) = delete;
  TaskLimits& operator=(const TaskLimits&) = delete;
  /// As it was before.
  ~TaskLimits();

 private:
  std::optional<rlimit> memory_, cpu_, files_;  // before
};

}  // namespace temporal::child
