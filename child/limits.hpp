// SPDX-License-Identifier: MIT
// What one task may take, put up around one call and taken down after it. Hard limits are left alone: a process could not raise
// them again for the next task.
#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <filesystem>
#include <optional>

#include "temporal/options.hpp"

namespace temporal::child {

/// What holds for all tasks of a process.
struct ProcessLimits {
  std::size_t memory = 0;  ///< of a task that has no limit of its own, in bytes; 0: unlimited
  std::filesystem::path cgroup{};  ///< the process's own; empty: it shares one with others
};

/// Thread rule: one at a time in a process.
class TaskLimits {
 public:
  /// A limit that the system refuses, or that is beyond the process's own, is left out. `worn` becomes true at the end when
  /// something could not be taken back. `process` must outlive this.
  TaskLimits(const ActivityLimits& limits, const ProcessLimits& process, bool& worn);
  TaskLimits(const TaskLimits&) = delete;
  TaskLimits& operator=(const TaskLimits&) = delete;
  /// As it was before.
  ~TaskLimits();

 private:
  // Before; nothing where nothing was changed.
  std::optional<rlimit> memory_, cpu_, files_, processes_;
  std::optional<int> nice_, oom_score_adj_;
  const std::filesystem::path* cgroup_ = nullptr;  // whose limit is up
  bool& worn_;
};

}  // namespace temporal::child
