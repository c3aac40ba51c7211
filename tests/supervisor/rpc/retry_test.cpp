// SPDX-License-Identifier: MIT
#include "supervisor/rpc/retry.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace temporal::supervisor {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

Retry unspread(CallKind kind, RetryOptions options = {}) {
  return Retry(kind, options, [] { return 0.0; });
}

CallResult failed(RpcCode code, std::string message = "no") {
  return {code, std::move(message), {}};
}

// The waits of a call that always fails so, in a world where a try takes no time.
std::vector<long> waits(Retry retry, const CallResult& result, int most) {
  std::vector<long> all;
  milliseconds elapsed{0};
  while (int(all.size()) < most) {
    const auto wait = retry.after(result, elapsed);
    if (!wait) break;
    elapsed += *wait;
    all.push_back(wait->count());
  }
  return all;
}

}  // namespace

TEST_CASE("a unary call waits 100 ms, then 1.7 times longer each time, within ten seconds in all") {
  const auto seen = waits(unspread(CallKind::unary), failed(RpcCode::unavailable), 100);
  CHECK(seen == std::vector<long>{100, 170, 289, 491, 835, 1420, 2414, 4103});
  RetryOptions patient;
  patient.unary_elapsed = 10min;
  CHECK(waits(unspread(CallKind::unary, patient), failed(RpcCode::unavailable), 100).size() == 9);
}

TEST_CASE("a wait is spread by a fifth of itself to either side") {
  const BackoffCurve curve{1s, 2.0, 10s};
  CHECK(curve.wait(1, -1) == 800ms);
  CHECK(curve.wait(1, 1) == 1200ms);
  CHECK(curve.wait(30, 0) == 10s);
}

TEST_CASE("only failures that may pass by themselves are tried again") {
  using enum RpcCode;
  for (auto code :
       {unavailable, resource_exhausted, aborted, unknown, internal, data_loss, out_of_range})
    CHECK(unspread(CallKind::unary).after(failed(code), 0ms));
  for (auto code : {invalid_argument, not_found, already_exists, permission_denied, unauthenticated,
                    failed_precondition, unimplemented, cancelled, deadline_exceeded})
    CHECK_FALSE(unspread(CallKind::unary).after(failed(code), 0ms));
}

TEST_CASE("INTERNAL is final with a server that means it") {
  RetryOptions options;
  options.internal_error_differentiation = true;
  CHECK_FALSE(unspread(CallKind::unary, options).after(failed(RpcCode::internal), 0ms));
}

TEST_CASE("being throttled waits for its own, longer curve") {
  const auto seen =
      waits(unspread(CallKind::unary), failed(RpcCode::resource_exhausted, "slow down"), 3);
  CHECK(seen == std::vector<long>{1000, 2000, 4000});
}

TEST_CASE("a message that is too large is never sent again, however its server words it") {
  for (const char* text :
       {"grpc: received message larger than max (5 vs. 4)",
        "Received message larger than max (5 vs. 4)", "SERVER: Received message larger than max",
        "CLIENT: Sent message larger than max", "grpc: trying to send message larger than max"}) {
    const auto result = failed(RpcCode::resource_exhausted, text);
    CHECK(is_message_too_large(result));
    CHECK_FALSE(unspread(CallKind::unary).after(result, 0ms));
  }
  CHECK_FALSE(is_message_too_large(failed(RpcCode::resource_exhausted, "namespace rate limit")));
}

TEST_CASE("a poll is tried for ever, at most ten seconds apart") {
  const auto seen = waits(unspread(CallKind::poll), failed(RpcCode::unavailable), 1000);
  REQUIRE(seen.size() == 1000);
  CHECK(seen[0] == 200);
  CHECK(seen[1] == 400);
  CHECK(seen[999] == 10'000);
}

TEST_CASE("a poll bears a fatal code for a minute, as a new namespace needs it") {
  const auto seen = waits(unspread(CallKind::poll), failed(RpcCode::not_found), 1000);
  CHECK(seen == std::vector<long>(6, 10'000));
}

TEST_CASE("a wait for events outlives its deadline, but not a workflow that does not exist") {
  CHECK(unspread(CallKind::wait).after(failed(RpcCode::deadline_exceeded), 0ms));
  CHECK(unspread(CallKind::wait).after(failed(RpcCode::unavailable), 1h));
  CHECK_FALSE(unspread(CallKind::wait).after(failed(RpcCode::not_found), 0ms));
}

}  // namespace temporal::supervisor
