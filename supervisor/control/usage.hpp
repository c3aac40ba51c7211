// SPDX-License-Identifier: MIT
// Memory and CPU of a worker's processes, read by who asks and not by the worker: it has better things to do than to open files.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace temporal::supervisor::control {

struct Usage {
  std::size_t rss_bytes = 0;
  std::chrono::milliseconds cpu{};  ///< since its start, in user code and for it
};
/// Nothing when there is no such process.
[[nodiscard]] std::optional<Usage> usage_of(pid_t pid);

/// Remembers the last look, for who looks again.
class UsageMeter {
 public:
  /// Puts `rss_bytes` and `cpu_ms` beside each "pid" of a worker's view, and from the second look on `cpu_percent`, of one core.
  void add_to(nlohmann::json& view);

 private:
  using Clock = std::chrono::steady_clock;
  struct Look {
    std::chrono::milliseconds cpu;
    Clock::time_point when;
  };
  void add_to_one(nlohmann::json& process);

  std::map<pid_t, Look> last_;
};

}  // namespace temporal::supervisor::control
