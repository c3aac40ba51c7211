// SPDX-License-Identifier: MIT
// --dev: the real Temporal dev server (embedded SQLite), for somebody who has none yet. Started
// before anything else, stopped after everything else.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared/ipc/fd.hpp"

namespace temporal::supervisor {

class DevServerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class DevServer {
 public:
  struct Options {
    int port = 7233;  ///< a free one is taken when somebody has it already
    int ui_port = 0;  ///< 0: a free one
    std::vector<std::string> name_spaces{"default"};
    std::filesystem::path database{};  ///< empty: in memory, gone at the end
  };

  /// Throws DevServerError when there is no `temporal` program (TEMPORAL_CLI, then PATH) or it
  /// cannot be started.
  explicit DevServer(const Options& options);
  DevServer(const DevServer&) = delete;
  DevServer& operator=(const DevServer&) = delete;
  /// SIGTERM, and SIGKILL after 5 s.
  ~DevServer();

  /// Throws DevServerError when the server ends by itself; returns never.
  boost::asio::awaitable<void> died();

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string ui() const { return "http://127.0.0.1:" + std::to_string(ui_port_); }

 private:
  int port_;
  int ui_port_;
  pid_t pid_ = -1;
  ipc::UniqueFd process_;  // none where pidfd_open is denied: its death is not noticed then
};

}  // namespace temporal::supervisor
