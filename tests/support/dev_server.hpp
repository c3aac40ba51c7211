// SPDX-License-Identifier: MIT
// A real Temporal server for one test binary: `temporal server start-dev`, its data in memory, on a
// free port of loopback.
#pragma once

#include <sys/types.h>

#include <string>

namespace temporal::test {

class DevServer {
 public:
  /// Returns once the server accepts connections and its namespace `default` exists. Throws
  /// std::runtime_error with a sentence when there is no `temporal` to start or it ends at once.
  /// `port` 0: a free one.
  explicit DevServer(int port = 0);
  /// Asks it to stop, then kills it, and waits until it is gone.
  ~DevServer();
  DevServer(const DevServer&) = delete;
  DevServer& operator=(const DevServer&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  [[nodiscard]] bool exited(int milliseconds) const;

  int port_;
  pid_t pid_ = -1;
  int pidfd_ = -1;
};

/// A port of loopback that nobody listened on a moment ago.
[[nodiscard]] int free_port();

}  // namespace temporal::test
