// SPDX-License-Identifier: MIT
#include "temporal/client_errors.hpp"

#include <utility>

namespace temporal {

std::string_view to_string(WorkflowStatus status) {
  switch (status) {
    case WorkflowStatus::running:
      return "running";
    case WorkflowStatus::completed:
      return "completed";
    case WorkflowStatus::failed:
      return "failed";
    case WorkflowStatus::cancelled:
      return "cancelled";
    case WorkflowStatus::terminated:
      return "terminated";
    case WorkflowStatus::continued_as_new:
      return "continued as new";
    case WorkflowStatus::timed_out:
      return "timed out";
    case WorkflowStatus::paused:
      return "paused";
    case WorkflowStatus::unspecified:
      break;
  }
  return "in an unknown state";
}

WorkflowNotFoundError::~WorkflowNotFoundError() = default;
QueryFailedError::~QueryFailedError() = default;
QueryRejectedError::QueryRejectedError(std::string message, WorkflowStatus status)
    : ClientError(std::move(message)), status_(status) {}
QueryRejectedError::~QueryRejectedError() = default;
QueryTimeoutError::~QueryTimeoutError() = default;
UpdateFailedError::~UpdateFailedError() = default;
UpdateTimeoutError::~UpdateTimeoutError() = default;

}  // namespace temporal
