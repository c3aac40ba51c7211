// SPDX-License-Identifier: MIT
#include "supervisor/observe/log.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace temporal::supervisor {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Whatever a user's field holds: a log line is never the reason that something fails.
std::string dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// As it is, unless it would break the line.
std::string shown(const nlohmann::json& value) {
  if (!value.is_string()) return dumped(value);
  const auto& text = value.get_ref<const std::string&>();
  const bool plain =
      std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return plain ? text : dumped(value);
}

std::string text_line(std::string_view message, const LogFields& fields) {
  std::string line(message);
  if (!fields.is_object()) return line;
  for (const auto& [key, value] : fields.items()) {
    line += "  " + key + "=" + shown(value);
  }
  return line;
}

std::string json_line(LogLevel level, std::string_view message, const LogFields& fields) {
  nlohmann::json line = fields.is_object() ? fields : nlohmann::json::object();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  line["time_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  line["level"] = to_string(level);
  line["message"] = message;
  return dumped(line);
}

// A pipe that is full, or a terminal that is halted, would keep the core loop in its next line for as long as it stays so.
bool takes(std::size_t bytes) {
  pollfd out{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 0) == 0) return false;
  if (bytes <= PIPE_BUF) return true;
  // Of a pipe that only says that a page is free. What is in it may lie in pages that are half full.
  const int capacity = ::fcntl(STDERR_FILENO, F_GETPIPE_SZ);
  if (capacity < 0) return true;
  int unread = 0;
  if (::ioctl(STDERR_FILENO, FIONREAD, &unread) != 0) return true;
  return 2 * (static_cast<std::size_t>(unread) + PIPE_BUF) + bytes <=
         static_cast<std::size_t>(capacity);
}

// What the sink adds to a line: the time, the level, its colours.
constexpr std::size_t kAround = 64;

}  // namespace

Log::Log(LogFormat format, LogLevel lowest)
    : json_(format == LogFormat::json ||
            (format == LogFormat::automatic && !::isatty(STDERR_FILENO))),
      sink_(std::make_shared<spdlog::logger>(
          "temporal", std::make_shared<spdlog::sinks::stderr_color_sink_st>())) {
  sink_->set_level(spdlog_level(lowest));
  sink_->set_pattern(json_ ? "%v" : "%H:%M:%S.%e %^%-7l%$ %v");
}

Log::~Log() = default;

void Log::set_lowest(LogLevel lowest) { sink_->set_level(spdlog_level(lowest)); }

void Log::write(LogLevel level, std::string_view message, const LogFields& fields) {
  if (!sink_->should_log(spdlog_level(level))) return;
  const auto line = line_of(level, message, fields);
  const std::lock_guard lock(mutex_);  // for no longer than a write that does not wait
  if (lost_ > 0 && put(level, line_of(level, "lines of this log were lost: nobody read them",
                                      {{"lines", lost_}})))
    lost_ = 0;
  if (!put(level, line)) ++lost_;
}

std::string Log::line_of(LogLevel level, std::string_view message, const LogFields& fields) const {
  return json_ ? json_line(level, message, fields) : text_line(message, fields);
}

bool Log::put(LogLevel level, const std::string& line) {
  if (!takes(line.size() + kAround)) return false;
  sink_->log(spdlog_level(level), line);
  return true;
}

}  // namespace temporal::supervisor
