// SPDX-License-Identifier: MIT
#include "supervisor/workflow/local_retry.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "shared/payload_proto.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;
using api::common::v1::RetryPolicy;
using api::failure::v1::Failure;

namespace {

bool lists(const RetryPolicy& retry, const std::string& type) {
  return std::ranges::find(retry.non_retryable_error_types(), type) !=
         retry.non_retryable_error_types().end();
}

bool retryable(const RetryPolicy& retry, const Failure& failure) {
  if (failure.has_terminated_failure_info() || failure.has_canceled_failure_info()) return false;
  if (failure.has_server_failure_info()) return !failure.server_failure_info().non_retryable();
  if (failure.has_timeout_failure_info())
    return failure.timeout_failure_info().timeout_type() == enums::TIMEOUT_TYPE_START_TO_CLOSE &&
           !lists(retry, "TemporalTimeout:StartToClose");
  if (failure.has_application_failure_info())
    return !failure.application_failure_info().non_retryable() &&
           !lists(retry, failure.application_failure_info().type());
  return true;
}

Duration delay_after(const RetryPolicy& retry, int attempt, const Failure& failure) {
  const auto most = from_proto(retry.maximum_interval());
  const auto& said = failure.application_failure_info();
  if (said.has_next_retry_delay()) return std::min(from_proto(said.next_retry_delay()), most);
  const double delay = static_cast<double>(from_proto(retry.initial_interval()).count()) *
                       std::pow(retry.backoff_coefficient(), attempt - 1);
  // Not: `<`. What is too large for a double is not a number's business.
  if (!(delay < static_cast<double>(most.count()))) return most;
  return Duration(static_cast<Duration::rep>(delay));
}

}  // namespace

void complete_retry_policy(RetryPolicy& retry) {
  constexpr int kCapByInitial = 100;
  if (!retry.has_initial_interval())
    to_proto(std::chrono::seconds(1), retry.mutable_initial_interval());
  if (retry.backoff_coefficient() == 0) retry.set_backoff_coefficient(2);
  if (!retry.has_maximum_interval()) {
    const auto initial = from_proto(retry.initial_interval());
    to_proto(initial < Duration::max() / kCapByInitial ? initial * kCapByInitial : Duration::max(),
             retry.mutable_maximum_interval());
  }
}

RetryDecision decide_retry(const LocalCall& call, int attempt, const Failure& failure,
                           Time scheduled, Time now) {
  if (failure.has_canceled_failure_info()) return {{}, enums::RETRY_STATE_CANCEL_REQUESTED};
  if (!retryable(call.retry, failure))
    return {{},
            failure.has_timeout_failure_info() ? enums::RETRY_STATE_TIMEOUT
                                               : enums::RETRY_STATE_NON_RETRYABLE_FAILURE};
  if (call.retry.maximum_attempts() > 0 && attempt >= call.retry.maximum_attempts())
    return {{}, enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED};
  const auto delay = delay_after(call.retry, attempt, failure);
  if (call.schedule_to_close_timeout > Duration::zero() &&
      delay >= call.schedule_to_close_timeout - (now - scheduled))
    return {{}, enums::RETRY_STATE_TIMEOUT};
  return {delay, enums::RETRY_STATE_IN_PROGRESS};
}

}  // namespace temporal::engine
