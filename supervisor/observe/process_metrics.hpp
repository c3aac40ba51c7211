// SPDX-License-Identifier: MIT
// What all workers of a process share is measured once: the calls to the server, and the loops.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "supervisor/observe/metric_maker.hpp"
#include "supervisor/threads/watchdog.hpp"

namespace temporal::supervisor {

class ProcessMetrics final : public Watchdog::Listener {
 public:
  /// `labels`: what holds for all workers.
  ProcessMetrics(MetricRegistry& registry, MetricsOptions options, MetricLabels labels);

  /// One try of a call to the server. `failure`: the name of its code; empty: it went well, or was a
  /// long poll that ended without news. Core loop.
  void request(std::string_view operation, bool long_poll, std::string_view failure,
               std::chrono::nanoseconds took);

  void on_answer(Watchdog::LoopKind kind, std::chrono::nanoseconds lag) override;
  void on_stall(std::string_view activity_type) override;

 private:
  struct Requests {
    Counter requests;
    Latency latency;
  };
  [[nodiscard]] const Requests& requests(std::string_view operation, bool long_poll);

  const MetricMaker make_;
  const Latency core_lag_, user_lag_;
  std::map<std::string, Requests, std::less<>> requests_, long_requests_;  // by operation
  std::map<std::string, Counter, std::less<>> stalls_;  // by activity type; watchdog's thread
};

}  // namespace temporal::supervisor
