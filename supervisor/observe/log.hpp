// SPDX-License-Identifier: MIT
// The worker's log: one line per event, on stderr. Text for a person on a terminal, JSON for a
// collector otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "temporal/log.hpp"

namespace spdlog {
class logger;
}

namespace temporal::supervisor {

enum class LogFormat { automatic, text, json };

/// Any thread may write, and none waits: while nobody reads what stderr leads to, lines are lost, and counted.
class Log final : public Logger {
 public:
  explicit Log(LogFormat format = LogFormat::automatic, LogLevel lowest = LogLevel::info);
  ~Log() override;

  /// Lines from this level on are written from now on. Any thread.
  void set_lowest(LogLevel lowest);
  void write(LogLevel level, std::string_view message, const LogFields& fields) override;

 private:
  [[nodiscard]] std::string line_of(LogLevel level, std::string_view message,
                                    const LogFields& fields) const;
  bool put(LogLevel level, const std::string& line);

  bool json_;
  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> sink_;
  std::uint64_t lost_ = 0;
};

}  // namespace temporal::supervisor
