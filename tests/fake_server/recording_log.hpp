// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "temporal/log.hpp"

namespace temporal::test {

/// Keeps what is logged. Thread rule: one thread.
class RecordingLog final : public Logger {
 public:
  struct Line {
    LogLevel level;
    std::string message;
    LogFields fields;
  };

  void write(LogLevel level, std::string_view message, const LogFields& fields) override {
    lines.push_back({level, std::string(message), fields});
  }
  /// How many lines of this level, or worse.
  [[nodiscard]] auto count(LogLevel least) const {
    return std::ranges::count_if(lines, [&](const Line& line) { return line.level >= least; });
  }

  std::vector<Line> lines;
};

}  // namespace temporal::test
