// SPDX-License-Identifier: MIT
// What a client is told when a workflow cannot be reached, asked or changed. What the server refuses for another reason, and a
// server that does not answer, is the ClientError of errors.hpp; a workflow that ends without a result its WorkflowFailedError.
#pragma once

#include <string>
#include <string_view>

#include "temporal/errors.hpp"
#include "temporal/export.hpp"

namespace temporal {

/// Numbers are those of temporal.api.enums.v1.WorkflowExecutionStatus.
enum class WorkflowStatus {
  unspecified,
  running,
  completed,
  failed,
  cancelled,
  terminated,
  continued_as_new,
  timed_out,
  paused,
};
/// "running", "continued as new"...
TEMPORAL_API std::string_view to_string(WorkflowStatus status);

/// There is no such workflow, or it is over and takes no more of what was asked.
class TEMPORAL_API WorkflowNotFoundError : public ClientError {
 public:
  using ClientError::ClientError;
  ~WorkflowNotFoundError() override;
};

/// The workflow did not answer a query: it has no handler of that name, or the handler threw, or the worker's code does not fit
/// the history. cause() says which.
class TEMPORAL_API QueryFailedError : public Failure {
 public:
  using Failure::Failure;
  ~QueryFailedError() override;
};

/// The query was not put to the workflow, because of QueryOptions::reject.
class TEMPORAL_API QueryRejectedError : public ClientError {
 public:
  QueryRejectedError(std::string message, WorkflowStatus status);
  ~QueryRejectedError() override;
  /// Of the workflow.
  [[nodiscard]] WorkflowStatus status() const noexcept { return status_; }

 private:
  WorkflowStatus status_;
};

/// No worker answered a query in time.
class TEMPORAL_API QueryTimeoutError : public ClientError {
 public:
  using ClientError::ClientError;
  ~QueryTimeoutError() override;
};

/// An update was turned down by its validator, or its handler failed, or the workflow ended before it was done; cause() says how:
/// ApplicationError, Cancelled...
class TEMPORAL_API UpdateFailedError : public Failure {
 public:
  using Failure::Failure;
  ~UpdateFailedError() override;
};

/// An update was not done, or not accepted, in time. It may still be: the same update id gets its outcome.
class TEMPORAL_API UpdateTimeoutError : public ClientError {
 public:
  using ClientError::ClientError;
  ~UpdateTimeoutError() override;
};

}  // namespace temporal
