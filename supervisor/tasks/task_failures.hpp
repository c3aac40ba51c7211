// SPDX-License-Identifier: MIT
// How the worker itself words why a workflow task fails, where neither the workflow's code nor the
// engine does.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/threads/tripwire.hpp"
#include "supervisor/workflow/workflow_run.hpp"

namespace temporal::supervisor {

/// `type`: of the application failure.
[[nodiscard]] engine::TaskFailure task_failure(api::enums::v1::WorkflowTaskFailedCause cause,
                                               std::string_view type, const std::string& text);
/// The user's code, or what it met here, is to blame.
[[nodiscard]] engine::TaskFailure task_failure(std::string_view type, const std::string& text);

/// Workflow code called a function whose answers differ from replay to replay.
struct Violation {
  GuardedCall call;
  std::vector<std::string> stack;  ///< innermost first
};
[[nodiscard]] engine::TaskFailure task_failure(const Violation& violation,
                                               const std::string& workflow_type);

/// `10 s`, or `1500 ms`.
[[nodiscard]] std::string seconds_text(std::chrono::milliseconds duration);
/// The sentence's end about a stack, innermost first: `a at x.cpp:1, called by b`.
[[nodiscard]] std::string stack_text(const std::vector<std::string>& stack);
[[nodiscard]] std::string join(const std::vector<std::string>& lines, const char* between);

}  // namespace temporal::supervisor
