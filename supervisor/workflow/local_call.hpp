// SPDX-License-Identifier: MIT
// What a run hands out to be done in its own worker, and what comes back: a local activity, as the engine and its caller speak of
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/options.hpp"

namespace temporal::engine {

/// To be run by the caller, retries included, for as long as they are not due later than `retry_threshold`.
struct LocalCall {
  std::uint32_t seq = 0;  ///< names it within its run
  std::string activity_id;
  std::string activity_type;
  api::common::v1::Payloads arguments;
  api::common::v1::Header header;
  /// Zero: none. The first two count from `scheduled`, the last one in each attempt.
  Duration schedule_to_close_timeout{};
  Duration schedule_to_start_timeout{};
  Duration start_to_close_timeout{};
  api::common::v1::RetryPolicy retry;  ///< complete: no field is left to a default
  Duration retry_threshold{};
  int attempt = 1;  ///< to begin with
  /// The code has cancelled it already, and waits for its end: it ends as cancelled without having run.
  bool cancelled = false;
  /// Of the first attempt, by the wall clock; none: that is now.
  std::optional<Time> scheduled{};
};

/// How it ended.
struct LocalResult {
  std::uint32_t seq = 0;
  std::variant<api::common::v1::Payloads, api::failure::v1::Failure> outcome;
  int attempt = 1;  ///< the last one
  Duration run_time{};
  std::optional<Time> scheduled{};
  /// The next attempt is due so much later. It is none of the caller's: the run sets a timer.
  std::optional<Duration> backoff{};
};

/// The run no longer wants to know how it ends. `ask`: it is asked to stop. Not `ask`: it may go on for as long as it likes.
struct LocalCancel {
  std::uint32_t seq = 0;
  bool ask = true;
  /// Its end is reported all the same.
  bool wanted = false;
};

}  // namespace temporal::engine
