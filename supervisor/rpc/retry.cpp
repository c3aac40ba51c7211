// SPDX-License-Identifier: MIT
#include "supervisor/rpc/retry.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace temporal::supervisor {

using std::chrono::milliseconds;

milliseconds BackoffCurve::wait(int attempt, double random) const {
  const double unspread =
      std::min(double(initial.count()) * std::pow(factor, attempt - 1), double(cap.count()));
  return milliseconds(std::llround(unspread * (1 + jitter * random)));
}

// gRPC's implementations word it differently and have this much in common.
std::string_view name_of(RpcCode code) {
  constexpr std::string_view kNames[] = {"OK",
                                         "CANCELLED",
                                         "UNKNOWN",
                                         "INVALID_ARGUMENT",
                                         "DEADLINE_EXCEEDED",
                                         "NOT_FOUND",
                                         "ALREADY_EXISTS",
                                         "PERMISSION_DENIED",
                                         "RESOURCE_EXHAUSTED",
                                         "FAILED_PRECONDITION",
                                         "ABORTED",
                                         "OUT_OF_RANGE",
                                         "UNIMPLEMENTED",
                                         "INTERNAL",
                                         "UNAVAILABLE",
                                         "DATA_LOSS",
                                         "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "UNKNOWN";
}

bool is_message_too_large(const CallResult& result) {
  if (result.code != RpcCode::resource_exhausted) return false;
  constexpr std::string_view kPhrase = "message larger than max";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  const auto& text = result.message;
  return std::search(text.begin(), text.end(), kPhrase.begin(), kPhrase.end(), same) != text.end();
}

bool is_retryable(const CallResult& result, bool internal_error_differentiation) {
  switch (result.code) {
    case RpcCode::unavailable:
    case RpcCode::aborted:
    case RpcCode::unknown:
    case RpcCode::data_loss:
    case RpcCode::out_of_range:
      return true;
    case RpcCode::internal:
      return !internal_error_differentiation;
    case RpcCode::resource_exhausted:
      return !is_message_too_large(result);
    default:
      return false;
  }
}

bool is_empty_poll(const CallResult& result) {
  return result.code == RpcCode::deadline_exceeded || result.code == RpcCode::cancelled;
}

Retry::Retry(CallKind kind, const RetryOptions& options, std::function<double()> random)
    : kind_(kind), options_(options), random_(std::move(random)) {}

milliseconds Retry::spread(const CallResult& failed, const BackoffCurve& curve) {
  const auto own = curve.wait(attempts_, random_());
  if (failed.code != RpcCode::resource_exhausted) return own;
  return std::max(own, options_.throttled.wait(++throttled_, random_()));
}

std::optional<milliseconds> Retry::after(const CallResult& failed, milliseconds elapsed) {
  ++attempts_;
  const bool retryable = is_retryable(failed, options_.internal_error_differentiation);
  switch (kind_) {
    case CallKind::unary: {
      if (!retryable || attempts_ >= options_.unary_attempts) return std::nullopt;
      const auto wait = spread(failed, options_.unary);
      if (elapsed + wait > options_.unary_elapsed) return std::nullopt;
      return wait;
    }
    case CallKind::wait:
      // The server answers before our deadline: past it, the connection is more likely at fault.
      if (!retryable && failed.code != RpcCode::deadline_exceeded) return std::nullopt;
      return spread(failed, options_.poll);
    case CallKind::poll:
      if (retryable) {
        first_fatal_.reset();
        return spread(failed, options_.poll);
      }
      // A namespace that is being made or a key that is being passed on looks like this for a
      // while.
      if (!first_fatal_) first_fatal_ = elapsed;
      if (elapsed - *first_fatal_ >= options_.fatal_grace) return std::nullopt;
      return options_.poll.cap;
  }
  return std::nullopt;
}

}  // namespace temporal::supervisor
