// SPDX-License-Identifier: MIT
// When a local activity is tried again: the server's rules, without its jitter.
#include "supervisor/workflow/local_retry.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/errors.hpp"

namespace local_retry_test {

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::engine;
namespace enums = api::enums::v1;

const Time kStart{1'700'000'000s};

LocalCall call_with(std::vector<const char*> non_retryable = {}) {
  LocalCall call;
  for (const auto* type : non_retryable) call.retry.add_non_retryable_error_types(type);
  complete_retry_policy(call.retry);
  return call;
}

api::failure::v1::Failure proto_of(const Failure& failure) {
  api::failure::v1::Failure proto;
  to_failure_proto(failure, &proto);
  return proto;
}

RetryDecision decide(const LocalCall& call, const Failure& failure, int attempt = 1,
                     Duration since = {}) {
  return decide_retry(call, attempt, proto_of(failure), kStart, kStart + since);
}

TEST_CASE("O004: delays grow by the coefficient up to the longest, and never overflow") {
  auto call = call_with();
  const ApplicationError error("no");
  CHECK(decide(call, error, 1).delay == 1s);
  CHECK(decide(call, error, 2).delay == 2s);
  CHECK(decide(call, error, 7).delay == 64s);
  CHECK(decide(call, error, 8).delay == 100s);
  CHECK(decide(call, error, 2'000'000'000).delay == 100s);
}

TEST_CASE("a failure that says when it may be tried again is obeyed, up to the longest delay") {
  const auto call = call_with();
  CHECK(decide(call, ApplicationError("no", {.next_retry_delay = 7s})).delay == 7s);
  CHECK(decide(call, ApplicationError("no", {.next_retry_delay = 700s})).delay == 100s);
}

TEST_CASE("O018: what is not to be tried again is not, and the reason is told") {
  CHECK(decide(call_with(), ApplicationError("no", {.non_retryable = true})).state ==
        enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
  CHECK(decide(call_with({"Bad"}), ApplicationError("no", {.type = "Bad"})).state ==
        enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
  CHECK(decide(call_with({"bad"}), ApplicationError("no", {.type = "Bad"})).delay == 1s);
  CHECK(decide(call_with(), Cancelled("stop")).state == enums::RETRY_STATE_CANCEL_REQUESTED);
  auto twice = call_with();
  twice.retry.set_maximum_attempts(2);
  CHECK(decide(twice, ApplicationError("no"), 1).delay == 1s);
  CHECK(decide(twice, ApplicationError("no"), 2).state ==
        enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
}

TEST_CASE("O008: only a single attempt that took too long is tried again, and only in time") {
  CHECK(decide(call_with(), TimeoutError("slow", TimeoutKind::start_to_close)).delay == 1s);
  CHECK(decide(call_with({"TemporalTimeout:StartToClose"}),
               TimeoutError("slow", TimeoutKind::start_to_close))
            .state == enums::RETRY_STATE_TIMEOUT);
  CHECK(decide(call_with(), TimeoutError("slow", TimeoutKind::schedule_to_close)).state ==
        enums::RETRY_STATE_TIMEOUT);
  CHECK(decide(call_with(), TimeoutError("slow", TimeoutKind::schedule_to_start)).state ==
        enums::RETRY_STATE_TIMEOUT);
  auto bounded = call_with();
  bounded.schedule_to_close_timeout = 10s;
  CHECK(decide(bounded, ApplicationError("no"), 1, 8s).delay == 1s);
  CHECK(decide(bounded, ApplicationError("no"), 1, 9s).state == enums::RETRY_STATE_TIMEOUT);
}

}  // namespace local_retry_test
