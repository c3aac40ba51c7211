// SPDX-License-Identifier: MIT
// What Temporal calls failures, as C++ exceptions. A Failure that leaves a workflow's run() fails
// the workflow; any other exception fails the workflow *task*, so that a corrected binary can carry
// on. Causes are kept at every hop.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "temporal/export.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"

namespace temporal {

/// Base of everything Temporal records as a failure.
class TEMPORAL_API Failure : public std::exception {
 public:
  explicit Failure(std::string message, std::shared_ptr<const Failure> cause = nullptr);
  Failure(const Failure&);
  Failure& operator=(const Failure&);
  ~Failure() override;

  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  /// Null at the end of the chain.
  [[nodiscard]] const std::shared_ptr<const Failure>& cause() const noexcept { return cause_; }
  /// As written by the SDK that threw; empty where none was recorded.
  [[nodiscard]] const std::string& stack_trace() const noexcept { return stack_trace_; }

  /// The serialized temporal.api.failure.v1.Failure this was decoded from: sent on unchanged, so
  /// that foreign stack traces survive. Empty for one that was made here.
  [[nodiscard]] const std::string& original() const noexcept { return original_; }
  void set_original(std::string serialized, std::string stack_trace);

 private:
  std::string message_;
  std::shared_ptr<const Failure> cause_;
  std::string stack_trace_;
  std::string original_;
};

struct ApplicationErrorOptions {
  std::string_view type{};  ///< default "ApplicationError"; retry policies list these names
  bool non_retryable = false;
  Duration next_retry_delay{};  ///< 0: the retry policy decides
  bool benign = false;          ///< expected: logged at debug, not counted as a failure
};

/// A failure that user code raises on purpose.
class TEMPORAL_API ApplicationError : public Failure {
 public:
  explicit ApplicationError(std::string message, ApplicationErrorOptions options = {},
                            Payloads details = {}, std::shared_ptr<const Failure> cause = nullptr);
  ~ApplicationError() override;

  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  [[nodiscard]] bool non_retryable() const noexcept { return non_retryable_; }
  [[nodiscard]] Duration next_retry_delay() const noexcept { return next_retry_delay_; }
  [[nodiscard]] bool benign() const noexcept { return benign_; }
  [[nodiscard]] const Payloads& details() const noexcept { return details_; }

 private:
  std::string type_;
  bool non_retryable_;
  Duration next_retry_delay_;
  bool benign_;
  Payloads details_;
};

/// Why an activity was told to stop.
enum class CancelReason : std::uint8_t {
  requested,        ///< the workflow or a person asked for it
  paused,           ///< paused by an operator
  reset,            ///< reset by an operator
  timed_out,        ///< its own deadline passed: the server will not take an answer
  worker_shutdown,  ///< the grace of a stopping worker is over
  gone,             ///< the server no longer knows it
};
TEMPORAL_API std::string_view to_string(CancelReason reason);

/// Cancellation, on its way up. Let it pass, or clean up and rethrow: swallowing it means
/// "completed".
class TEMPORAL_API Cancelled : public Failure {
 public:
  explicit Cancelled(std::string message = "cancelled", Payloads details = {},
                     CancelReason reason = CancelReason::requested,
                     std::shared_ptr<const Failure> cause = nullptr);
  ~Cancelled() override;
  [[nodiscard]] const Payloads& details() const noexcept { return details_; }
  [[nodiscard]] CancelReason reason() const noexcept { return reason_; }

 private:
  Payloads details_;
  CancelReason reason_;
};

/// Numbers are those of temporal.api.enums.v1.TimeoutType.
enum class TimeoutKind {
  unspecified,
  start_to_close,
  schedule_to_start,
  schedule_to_close,
  heartbeat
};

class TEMPORAL_API TimeoutError : public Failure {
 public:
  TimeoutError(std::string message, TimeoutKind kind, Payloads last_heartbeat = {},
               std::shared_ptr<const Failure> cause = nullptr);
  ~TimeoutError() override;
  [[nodiscard]] TimeoutKind kind() const noexcept { return kind_; }
  [[nodiscard]] const Payloads& last_heartbeat() const noexcept { return last_heartbeat_; }

 private:
  TimeoutKind kind_;
  Payloads last_heartbeat_;
};

class TEMPORAL_API TerminatedError : public Failure {
 public:
  explicit TerminatedError(std::string message, std::shared_ptr<const Failure> cause = nullptr);
  ~TerminatedError() override;
};

class TEMPORAL_API ServerError : public Failure {
 public:
  ServerError(std::string message, bool non_retryable,
              std::shared_ptr<const Failure> cause = nullptr);
  ~ServerError() override;
  [[nodiscard]] bool non_retryable() const noexcept { return non_retryable_; }

 private:
  bool non_retryable_;
};

/// Why no further attempt was made. Numbers are those of temporal.api.enums.v1.RetryState.
enum class RetryState {
  unspecified,
  in_progress,
  non_retryable_failure,
  timeout,
  maximum_attempts_reached,
  retry_policy_not_set,
  internal_server_error,
  cancel_requested,
};

/// An activity did not succeed; cause() says why.
class TEMPORAL_API ActivityError : public Failure {
 public:
  struct Where {
    std::string activity_type;
    std::string activity_id;
    std::string identity;
    std::int64_t scheduled_event_id = 0;
    std::int64_t started_event_id = 0;
    RetryState retry_state = RetryState::unspecified;
  };
  ActivityError(std::string message, Where where, std::shared_ptr<const Failure> cause);
  ~ActivityError() override;
  [[nodiscard]] const std::string& activity_type() const noexcept { return where_.activity_type; }
  [[nodiscard]] const std::string& activity_id() const noexcept { return where_.activity_id; }
  [[nodiscard]] RetryState retry_state() const noexcept { return where_.retry_state; }
  [[nodiscard]] const Where& where() const noexcept { return where_; }

 private:
  Where where_;
};

class TEMPORAL_API ChildWorkflowError : public Failure {
 public:
  struct Where {
    std::string workflow_namespace;
    std::string workflow_id;
    std::string run_id;
    std::string workflow_type;
    std::int64_t initiated_event_id = 0;
    std::int64_t started_event_id = 0;
    RetryState retry_state = RetryState::unspecified;
  };
  ChildWorkflowError(std::string message, Where where, std::shared_ptr<const Failure> cause);
  ~ChildWorkflowError() override;
  [[nodiscard]] const Where& where() const noexcept { return where_; }

 private:
  Where where_;
};

/// Workflow code did not do what its history says it did before. The workflow *task* fails with it and the workflow waits for
/// corrected code, unless its class is registered with `.fails_with<temporal::NondeterminismError>()`.
class TEMPORAL_API NondeterminismError : public std::exception {
 public:
  explicit NondeterminismError(std::string message);
  ~NondeterminismError() override;
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// A child did not start: its id is in use, or was used before and may not be again.
class TEMPORAL_API ChildWorkflowAlreadyStartedError : public ChildWorkflowError {
 public:
  using ChildWorkflowError::ChildWorkflowError;
  ~ChildWorkflowAlreadyStartedError() override;
};

/// A signal or a cancellation did not reach another workflow.
class TEMPORAL_API ExternalWorkflowError : public Failure {
 public:
  /// Numbers are those of temporal.api.enums.v1.SignalExternalWorkflowExecutionFailedCause.
  enum class Reason { unspecified, not_found, namespace_not_found, too_many_signals };
  ExternalWorkflowError(std::string message, std::string workflow_id, std::string run_id,
                        Reason reason);
  ~ExternalWorkflowError() override;
  [[nodiscard]] const std::string& workflow_id() const noexcept { return workflow_id_; }
  /// Empty when no run was named.
  [[nodiscard]] const std::string& run_id() const noexcept { return run_id_; }
  [[nodiscard]] Reason reason() const noexcept { return reason_; }

 private:
  std::string workflow_id_;
  std::string run_id_;
  Reason reason_;
};

/// The server refused a call, or could not be reached. what() is a sentence.
class TEMPORAL_API ClientError : public std::exception {
 public:
  explicit ClientError(std::string message);
  ~ClientError() override;
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// The id is in use by a workflow that is running.
class TEMPORAL_API WorkflowAlreadyStartedError : public ClientError {
 public:
  using ClientError::ClientError;
  ~WorkflowAlreadyStartedError() override;
};

/// The workflow ended without a result; cause() says how: ApplicationError, Cancelled,
/// TerminatedError, TimeoutError...
class TEMPORAL_API WorkflowFailedError : public Failure {
 public:
  using Failure::Failure;
  ~WorkflowFailedError() override;
};

/// True for Cancelled, and for an activity or child workflow that ended because of it.
TEMPORAL_API bool is_cancelled(const Failure& failure) noexcept;

/// Thrown by complete_async(): somebody else will report this activity's outcome.
class TEMPORAL_API CompleteAsync : public std::exception {
 public:
  ~CompleteAsync() override;
  [[nodiscard]] const char* what() const noexcept override;
};

/// Ends an activity without an outcome: it is completed later, by its task token or its id.
[[noreturn]] TEMPORAL_API void complete_async();

/// The body of an activity that another team's worker implements: only its shape is needed here.
[[noreturn]] TEMPORAL_API void implemented_elsewhere();

}  // namespace temporal
