// SPDX-License-Identifier: MIT
#include "supervisor/tasks/task_failures.hpp"

#include "shared/failure_proto.hpp"

namespace temporal::supervisor {

namespace enums = api::enums::v1;

engine::TaskFailure task_failure(enums::WorkflowTaskFailedCause cause, std::string_view type,
                                 const std::string& text) {
  engine::TaskFailure failure;
  failure.cause = cause;
  failure.text = text;
  to_failure_proto(ApplicationError(text, {.type = type}), &failure.failure);
  return failure;
}

engine::TaskFailure task_failure(std::string_view type, const std::string& text) {
  return task_failure(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE, type,
                      text);
}

engine::TaskFailure task_failure(const Violation& violation, const std::string& workflow_type) {
  const std::string name = violation.call.name;
  auto failure = task_failure(
      enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR, "NondeterminismError",
      "[TMPRL1100] Nondeterminism: workflow code of type " + workflow_type + " called " + name +
          "(), which does not do the same when it is replayed; " + violation.call.advice +
          ", or, if you know that it does no harm, put workflow::unsafe::allow around it. It was "
          "called in: " +
          stack_text(violation.stack));
  failure.failure.set_stack_trace(join(violation.stack, "\n"));
  return failure;
}

std::string seconds_text(std::chrono::milliseconds duration) {
  return duration.count() % 1000 == 0 ? std::to_string(duration.count() / 1000) + " s"
                                      : std::to_string(duration.count()) + " ms";
}

std::string stack_text(const std::vector<std::string>& stack) {
  return stack.empty() ? "an unknown place" : join(stack, ", called by ");
}

std::string join(const std::vector<std::string>& lines, const char* between) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : between) + line;
  return text;
}

}  // namespace temporal::supervisor
