// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "temporal/log.hpp"

namespace temporal::test {

/// Longer than anything here lasts on the slowest machine.
inline constexpr std::chrono::seconds kBound{30};

class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  [[nodiscard]] int in() const { return ends_[1]; }
  [[nodiscard]] int out() const { return ends_[0]; }
  void put() const {
    if (::write(in(), "x", 1) != 1) throw std::runtime_error("nothing was written");
  }
  void take() const {
    char byte = 0;
    pollfd ready{out(), POLLIN, 0};
    const auto bound = std::chrono::milliseconds(kBound).count();
    int came = 0;
    while ((came = ::poll(&ready, 1, static_cast<int>(bound))) < 0 && errno == EINTR) {
    }
    if (came != 1 || ::read(out(), &byte, 1) != 1) throw std::runtime_error("nothing came");
  }

 private:
  int ends_[2];
};

/// Keeps what is logged by any thread, and waits for it.
class SharedLog final : public Logger {
 public:
  struct Line {
    LogLevel level;
    std::string message;
    LogFields fields;
    std::chrono::steady_clock::time_point at;
  };

  void write(LogLevel level, std::string_view message, const LogFields& fields) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back({level, std::string(message), fields, std::chrono::steady_clock::now()});
    more_.notify_all();
  }
  [[nodiscard]] std::vector<Line> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  /// The `count`th line, from 0.
  [[nodiscard]] Line line(std::size_t count) const {
    std::unique_lock lock(mutex_);
    if (!more_.wait_for(lock, kBound, [&] { return lines_.size() > count; }))
      throw std::runtime_error("nothing was logged");
    return lines_[count];
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable more_;
  std::vector<Line> lines_;
};

inline std::filesystem::path module_path(const std::string& name) {
  return std::filesystem::path(std::getenv("TEST_MODULES")) / ("lib" + name + ".so");
}

/// The place of the first line that begins so; the number of lines when there is none.
inline std::size_t place_of(const std::vector<std::string>& lines, std::string_view start) {
  const auto found =
      std::ranges::find_if(lines, [&](const std::string& line) { return line.starts_with(start); });
  return static_cast<std::size_t>(found - lines.begin());
}

}  // namespace temporal::test
