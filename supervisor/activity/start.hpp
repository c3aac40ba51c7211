// SPDX-License-Identifier: MIT
// The task as the server sent it, in the form in which it is started in any home.
#pragma once

#include <string>

#include "child/v1/child.pb.h"
#include "supervisor/activity/executor.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// Everything but the task's number. `local`: see Link.
[[nodiscard]] child::v1::Start start_of(const ActivityTask& task, const std::string& task_queue,
                                        bool local);

/// What every line of this attempt carries.
[[nodiscard]] LogFields ids_of(const child::v1::Start& start);

/// Writes with an attempt's ids; no more than 8 KiB of a text and 8 KiB of fields, as from a child.
/// Any thread may write if any thread may write to `to`.
class TaskLog final : public Logger {
 public:
  TaskLog(Logger& to, LogFields ids) : to_(to), ids_(std::move(ids)) {}
  void write(LogLevel level, std::string_view message, const LogFields& fields) override;

 private:
  Logger& to_;
  LogFields ids_;
};

}  // namespace temporal::supervisor
