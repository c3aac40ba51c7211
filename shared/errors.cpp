// SPDX-License-Identifier: MIT
// Destructors are here and not inline: they are the key functions that give each exception class
// one identity in a process that loads modules.
#include "temporal/errors.hpp"

#include <utility>

namespace temporal {

Failure::Failure(std::string message, std::shared_ptr<const Failure> cause)
    : message_(std::move(message)), cause_(std::move(cause)) {}
Failure::Failure(const Failure&) = default;
Failure& Failure::operator=(const Failure&) = default;
Failure::~Failure() = default;

void Failure::set_original(std::string serialized, std::string stack_trace) {
  original_ = std::move(serialized);
  stack_trace_ = std::move(stack_trace);
}

ApplicationError::ApplicationError(std::string message, ApplicationErrorOptions options,
                                   Payloads details, std::shared_ptr<const Failure> cause)
    : Failure(std::move(message), std::move(cause)),
      type_(options.type.empty() ? std::string_view{"ApplicationError"} : options.type),
      non_retryable_(options.non_retryable),
      next_retry_delay_(options.next_retry_delay),
      benign_(options.benign),
      details_(std::move(details)) {}
ApplicationError::~ApplicationError() = default;

std::string_view to_string(CancelReason reason) {
  switch (reason) {
    case CancelReason::requested:
      return "requested";
    case CancelReason::paused:
      return "paused";
    case CancelReason::reset:
      return "reset";
    case CancelReason::timed_out:
      return "timed_out";
    case CancelReason::worker_shutdown:
      return "worker_shutdown";
    case CancelReason::gone:
      return "gone";
  }
  return "unknown";
}

Cancelled::Cancelled(std::string message, Payloads details, CancelReason reason,
                     std::shared_ptr<const Failure> cause)
    : Failure(std::move(message), std::move(cause)),
      details_(std::move(details)),
      reason_(reason) {}
Cancelled::~Cancelled() = default;

TimeoutError::TimeoutError(std::string message, TimeoutKind kind, Payloads last_heartbeat,
                           std::shared_ptr<const Failure> cause)
    : Failure(std::move(message), std::move(cause)),
      kind_(kind),
      last_heartbeat_(std::move(last_heartbeat)) {}
TimeoutError::~TimeoutError() = default;

TerminatedError::TerminatedError(std::string message, std::shared_ptr<const Failure> cause)
    : Failure(std::move(message), std::move(cause)) {}
TerminatedError::~TerminatedError() = default;

ServerError::ServerError(std::string message, bool non_retryable,
                         std::shared_ptr<const Failure> cause)
    : Failure(std::move(message), std::move(cause)), non_retryable_(non_retryable) {}
ServerError::~ServerError() = default;

ActivityError::ActivityError(std::string message, Where where, std::shared_ptr<const Failure> cause)
    : Failure(std::move(message), std::move(cause)), where_(std::move(where)) {}
ActivityError::~ActivityError() = default;

ChildWorkflowError::ChildWorkflowError(std::string message, Where where,
                                       std::shared_ptr<const Failure> cause)
    : Failure(std::move(message), std::move(cause)), where_(std::move(where)) {}
ChildWorkflowError::~ChildWorkflowError() = default;

NondeterminismError::NondeterminismError(std::string message) : message_(std::move(message)) {}
NondeterminismError::~NondeterminismError() = default;

ClientError::ClientError(std::string message) : message_(std::move(message)) {}
ClientError::~ClientError() = default;
WorkflowAlreadyStartedError::~WorkflowAlreadyStartedError() = default;
WorkflowFailedError::~WorkflowFailedError() = default;

ChildWorkflowAlreadyStartedError::~ChildWorkflowAlreadyStartedError() = default;

ExternalWorkflowError::ExternalWorkflowError(std::string message, std::string workflow_id,
                                             std::string run_id, Reason reason)
    : Failure(std::move(message)),
      workflow_id_(std::move(workflow_id)),
      run_id_(std::move(run_id)),
      reason_(reason) {}
ExternalWorkflowError::~ExternalWorkflowError() = default;

bool is_cancelled(const Failure& failure) noexcept {
  if (dynamic_cast<const Cancelled*>(&failure)) return true;
  const bool wraps = dynamic_cast<const ActivityError*>(&failure) ||
                     dynamic_cast<const ChildWorkflowError*>(&failure);
  return wraps && failure.cause() && is_cancelled(*failure.cause());
}

CompleteAsync::~CompleteAsync() = default;
const char* CompleteAsync::what() const noexcept { return "the activity is completed elsewhere"; }

void complete_async() { throw CompleteAsync(); }

void implemented_elsewhere() {
  throw ApplicationError(
      "this activity is only declared here: another worker implements it, and it must be scheduled "
      "on that worker's task queue",
      {.type = "ImplementedElsewhere", .non_retryable = true});
}

}  // namespace temporal
