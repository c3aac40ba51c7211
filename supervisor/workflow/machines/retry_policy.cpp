// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/retry_policy.hpp"

#include <google/protobuf/duration.pb.h>

#include <stdexcept>

#include "shared/payload_proto.hpp"

namespace temporal::engine {

void check(const RetryPolicy& retry, const std::string& what) {
  constexpr auto kZero = Duration::zero();
  const auto refuse = [&](const char* why) { throw std::invalid_argument(what + ": " + why); };
  if (retry.initial_interval < kZero || retry.maximum_interval < kZero)
    refuse("a retry interval must not be negative");
  if (retry.maximum_attempts < 0) refuse("maximum_attempts must not be negative");
  if (retry.backoff_coefficient != 0 && !(retry.backoff_coefficient >= 1))
    refuse("backoff_coefficient must be at least 1");
  if (retry.maximum_interval > kZero && retry.maximum_interval < retry.initial_interval)
    refuse("maximum_interval must not be shorter than initial_interval");
}

bool is_set(const RetryPolicy& retry) {
  return retry.initial_interval > Duration::zero() || retry.backoff_coefficient != 0 ||
         retry.maximum_interval > Duration::zero() || retry.maximum_attempts != 0 ||
         retry.non_retryable.count != 0;
}

void set_retry_policy(const RetryPolicy& retry, api::common::v1::RetryPolicy* proto) {
  if (retry.initial_interval > Duration::zero())
    to_proto(retry.initial_interval, proto->mutable_initial_interval());
  proto->set_backoff_coefficient(retry.backoff_coefficient);
  if (retry.maximum_interval > Duration::zero())
    to_proto(retry.maximum_interval, proto->mutable_maximum_interval());
  proto->set_maximum_attempts(retry.maximum_attempts);
  for (std::size_t i = 0; i < retry.non_retryable.count; ++i)
    proto->add_non_retryable_error_types(std::string(retry.non_retryable.names[i]));
}

}  // namespace temporal::engine
