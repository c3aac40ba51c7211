// SPDX-License-Identifier: MIT
// Owns the parts of a worker and knows their order: who starts before whom, who stops after whom.
// run() is the table of contents. No part knows this file.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "shared/ipc/fd.hpp"
#include "supervisor/dev_server.hpp"
#include "supervisor/observe/log.hpp"
#include "supervisor/options.hpp"
#include "supervisor/state_signal.hpp"
#include "supervisor/threads/crash_report.hpp"
#include "supervisor/threads/watchdog.hpp"
#include "supervisor/wakeup.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

class Supervisor {
 public:
  /// `own_modules`: those of a program that brings its modules itself; the zygote is then this
  /// program again.
  Supervisor(Options options, std::span<const ModuleFunction> own_modules, Log& log);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Serves until a signal or a fatal error. Returns an ExitCode.
  int run();

 private:
  struct Parts;  // what exists only while there is a server

  boost::asio::awaitable<void> serve();
  void load_modules();
  boost::asio::awaitable<void> start_homes();
  boost::asio::awaitable<void> connect();
  boost::asio::awaitable<void> check_namespace();
  std::filesystem::path zygote_program();
  void start_polling();
  void start_workflows();
  void start_activities();
  boost::asio::awaitable<void> until_told_to_stop();
  boost::asio::awaitable<void> stop();
  boost::asio::awaitable<void> announce_stop();
  boost::asio::awaitable<void> end_polling();
  boost::asio::awaitable<void> drain_activities();
  void fail(std::exception_ptr error);
  int report(const std::exception_ptr& error);
  [[nodiscard]] LogFields state() const;

  Options options_;
  std::span<const ModuleFunction> own_modules_;
  Log& log_;
  Module module_;
  bool serves_workflows_ = false;
  bool serves_activities_ = false;
  boost::asio::io_context core_{1};
  Watchdog watchdog_{log_, {.stall = options_.loop_stall}};
  CrashReports crash_reports_{watchdog_, log_};
  Watchdog::Watch core_watch_;
  boost::asio::signal_set signals_{core_, SIGINT, SIGTERM};
  StateSignal state_signal_{core_, log_, [this] { return state(); }};
  int signals_seen_ = 0;
  std::exception_ptr fatal_;
  Wakeup told_{core_.get_executor()};
  ipc::UniqueFd zygote_binary_;
  std::optional<DevServer> dev_server_;  // ends after all that talks to it
  std::unique_ptr<Parts> parts_;
};

}  // namespace temporal::supervisor
