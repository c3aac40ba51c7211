// SPDX-License-Identifier: MIT
#include "supervisor/activity/failures.hpp"

#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/errors.hpp"
#include "temporal/payload.hpp"

namespace temporal::supervisor {

namespace failure = api::failure::v1;

namespace {

std::string_view kind_of(const failure::Failure& proto) {
  switch (proto.failure_info_case()) {
    case failure::Failure::kTimeoutFailureInfo:
      return "temporal::TimeoutError";
    case failure::Failure::kCanceledFailureInfo:
      return "temporal::Cancelled";
    case failure::Failure::kTerminatedFailureInfo:
      return "temporal::TerminatedError";
    case failure::Failure::kServerFailureInfo:
      return "temporal::ServerError";
    case failure::Failure::kActivityFailureInfo:
      return "temporal::ActivityError";
    case failure::Failure::kChildWorkflowExecutionFailureInfo:
      return "temporal::ChildWorkflowError";
    default:
      return "temporal::Failure";
  }
}

std::string left_out(std::size_t bytes) {
  return "details of " + std::to_string(bytes) +
         " bytes were left out, the server would not take them; store them elsewhere";
}

std::size_t bytes_taken_out(api::common::v1::Payloads* details) {
  const auto bytes = details->ByteSizeLong();
  details->Clear();
  return bytes;
}

std::size_t bytes_taken_out(failure::Failure& from) {
  std::size_t bytes = from.has_cause() ? bytes_taken_out(*from.mutable_cause()) : 0;
  if (from.has_application_failure_info())
    bytes += bytes_taken_out(from.mutable_application_failure_info()->mutable_details());
  if (from.has_canceled_failure_info())
    bytes += bytes_taken_out(from.mutable_canceled_failure_info()->mutable_details());
  if (from.has_timeout_failure_info())
    bytes += bytes_taken_out(from.mutable_timeout_failure_info()->mutable_last_heartbeat_details());
  return bytes;
}

}  // namespace

failure::Failure application_failure(std::string_view type, std::string message,
                                     bool non_retryable) {
  failure::Failure proto;
  to_failure_proto(
      ApplicationError(std::move(message), {.type = type, .non_retryable = non_retryable}), &proto);
  return proto;
}

failure::Failure as_application_failure(failure::Failure thrown) {
  if (thrown.has_application_failure_info()) return thrown;
  auto wrapped = application_failure(kind_of(thrown), thrown.message(),
                                     thrown.server_failure_info().non_retryable());
  *wrapped.mutable_cause() = std::move(thrown);
  return wrapped;
}

bool leave_out_details(failure::Failure& failure) {
  const auto bytes = bytes_taken_out(failure);
  if (bytes > 0) failure.set_message(failure.message() + " (" + left_out(bytes) + ")");
  return bytes > 0;
}

void leave_out_details(api::common::v1::Payloads& details) {
  const auto bytes = bytes_taken_out(&details);
  to_proto(to_payload(left_out(bytes)), details.add_payloads());
}

}  // namespace temporal::supervisor
