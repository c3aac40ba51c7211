// SPDX-License-Identifier: MIT
// Which failed calls are tried again, and after how long. Knows no clock and no timer: its caller
// says how much time has passed and does the waiting.
//
//   call        ends well with      is tried again after             gives up
//   unary       ok                  a retryable code                 10 attempts or 10 s, other
//   codes at once wait        ok                  a retryable code, its deadline   other codes at
//   once poll        ok, its deadline,   any other code; fatal ones wait  60 s after the first
//   fatal code
//               cancelled           the cap of the curve
//
// Being throttled (RESOURCE_EXHAUSTED) waits for the longer of the call's own curve and the
// throttle curve; a message that is too large has the same code and is never tried again.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/rpc/workflow_service.hpp"

namespace temporal::supervisor {

/// How a call ended, as gRPC tells it.
struct CallResult {
  RpcCode code = RpcCode::ok;
  std::string message;
  std::string details;  ///< grpc-status-details-bin: a serialized google.rpc.Status, or empty

  [[nodiscard]] bool ok() const noexcept { return code == RpcCode::ok; }
};

/// Waits grow from `initial` by `factor` to `cap`; each is spread by ± `jitter` of itself.
struct BackoffCurve {
  std::chrono::milliseconds initial;
  double factor;
  std::chrono::milliseconds cap;
  double jitter = 0.2;

  /// The wait before try `attempt` + 1, the first being 1. `random` is from [-1, 1].
  [[nodiscard]] std::chrono::milliseconds wait(int attempt, double random) const;
};

struct RetryOptions {
  BackoffCurve unary{std::chrono::milliseconds{100}, 1.7, std::chrono::seconds{5}};
  BackoffCurve poll{std::chrono::milliseconds{200}, 2.0, std::chrono::seconds{10}};
  BackoffCurve throttled{std::chrono::seconds{1}, 2.0, std::chrono::seconds{10}};
  int unary_attempts = 10;
  std::chrono::milliseconds unary_elapsed = std::chrono::seconds{10};
  std::chrono::milliseconds fatal_grace = std::chrono::seconds{60};
  /// GetSystemInfo's capability of that name: INTERNAL is then a bug of the server, not a hiccup.
  bool internal_error_differentiation = false;
};

enum class CallKind { unary, wait, poll };

/// As gRPC spells it: "UNAVAILABLE".
[[nodiscard]] std::string_view name_of(RpcCode code);

/// A reply or request beyond what the other side accepts: sending it again cannot help.
[[nodiscard]] bool is_message_too_large(const CallResult& result);

/// The kinds of failure that may pass by themselves.
[[nodiscard]] bool is_retryable(const CallResult& result, bool internal_error_differentiation);

/// A poll or long poll that ended without an answer, as it should.
[[nodiscard]] bool is_empty_poll(const CallResult& result);

/// One logical call: asked after each failed try.
class Retry {
 public:
  /// `random` gives numbers from [-1, 1].
  Retry(CallKind kind, const RetryOptions& options, std::function<double()> random);

  /// How long to wait before the next try; nothing when the failure is final. `elapsed` is the time
  /// since the first try.
  [[nodiscard]] std::optional<std::chrono::milliseconds> after(const CallResult& failed,
                                                               std::chrono::milliseconds elapsed);

 private:
  [[nodiscard]] std::chrono::milliseconds spread(const CallResult& failed,
                                                 const BackoffCurve& curve);

  CallKind kind_;
  RetryOptions options_;
  std::function<double()> random_;
  int attempts_ = 0;
  int throttled_ = 0;
  std::optional<std::chrono::milliseconds> first_fatal_;
};

}  // namespace temporal::supervisor
