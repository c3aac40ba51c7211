// SPDX-License-Identifier: MIT
// What user code logs with. A Logger is handed out by activity::Context::log() and workflow::log():
// it knows the ids of the task, and in a workflow it is silent while history is replayed.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "temporal/export.hpp"

namespace temporal {

enum class LogLevel { debug, info, warn, error };
TEMPORAL_API std::string_view to_string(LogLevel level);

/// Structured fields: `{{"customer", id}, {"items", 3}}`.
using LogFields = nlohmann::json;

/// Thread rule: used by the thread that was given it, only while its task runs.
class TEMPORAL_API Logger {
 public:
  virtual ~Logger();
  virtual void write(LogLevel level, std::string_view message, const LogFields& fields) = 0;

  void debug(std::string_view message, const LogFields& fields = {}) {
    write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, const LogFields& fields = {}) {
    write(LogLevel::info, message, fields);
  }
  void warn(std::string_view message, const LogFields& fields = {}) {
    write(LogLevel::warn, message, fields);
  }
  void error(std::string_view message, const LogFields& fields = {}) {
    write(LogLevel::error, message, fields);
  }
};

}  // namespace temporal
