// SPDX-License-Identifier: MIT
// The worker's log: one line per event, on stderr. Text for a person on a terminal, JSON for a
// collector otherwise.
#pragma once

#include <memory>
#include <string_view>

#include "temporal/log.hpp"

namespace spdlog {
class logger;
}

namespace temporal::supervisor {

enum class LogFormat { automatic, text, json };

/// Any thread may write.
class Log final : public Logger {
 public:
  explicit Log(LogFormat format = LogFormat::automatic, LogLevel lowest = LogLevel::info);
  ~Log() override;

  void write(LogLevel level, std::string_view message, const LogFields& fields) override;

 private:
  bool json_;
  std::shared_ptr<spdlog::logger> sink_;
};

}  // namespace temporal::supervisor
