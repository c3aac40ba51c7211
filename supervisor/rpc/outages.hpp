// SPDX-License-Identifier: MIT
// Polls are tried again for ever, so an outage would be silent. A server that drops its connections every few minutes is normal
// and must not be told of: a call has to fail for a while first, and then one line a minute is enough for all of them.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "supervisor/rpc/retry.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

class Outages {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kNormal{1};  ///< a call may fail for so long unmentioned
  static constexpr std::chrono::seconds kBetweenLines{60};

  /// Without a log nothing is said.
  explicit Outages(Logger* log) : log_(log) {}

  /// A try of `method` failed and is repeated after `wait`.
  void failed(const std::string& method, const CallResult& result, std::chrono::milliseconds wait,
              Time now);
  /// The server answered a call of `method`.
  void answered(const std::string& method, Time now);
  /// `method` fails for good: nobody tries it again.
  void gave_up(const std::string& method) { failing_since_.erase(method); }

 private:
  Logger* log_;
  std::map<std::string, Time> failing_since_;
  Time quiet_until_{};
  Time said_since_{};  // of the outage that the log knows; none: the clock's epoch
};

}  // namespace temporal::supervisor
