// SPDX-License-Identifier: MIT
// The process: its connection, signals, watchdog and dev server, and the workers of its task queues. serve() is the table of
// contents: who starts before whom, who stops after whom. No part knows this file.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shared/ipc/fd.hpp"
#include "supervisor/children/delegated_cgroup.hpp"
#include "supervisor/control/socket.hpp"
#include "supervisor/control/verbs.hpp"
#include "supervisor/dev_server.hpp"
#include "supervisor/init.hpp"
#include "supervisor/observe/http.hpp"
#include "supervisor/observe/metrics.hpp"
#include "supervisor/observe/process_metrics.hpp"
#include "supervisor/options.hpp"
#include "supervisor/queue_worker.hpp"
#include "supervisor/reload_signal.hpp"
#include "supervisor/state_signal.hpp"
#include "supervisor/threads/crash_report.hpp"
#include "supervisor/threads/watchdog.hpp"
#include "supervisor/wakeup.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

class Supervisor final : private control::Controlled {
 public:
  /// Whose signals and crashes: the supervisor's own process has handlers, a program that embeds a worker keeps its own.
  enum class Process { own, embedding };

  /// `workers`: one for each task queue, at least one; what concerns the process (address, log, dev server) is the first one's.
  /// `own_modules`: those of a program that brings its modules itself; the zygote is then this program again.
  Supervisor(std::vector<Options> workers, std::span<const ModuleFunction> own_modules, Logger& log,
             Process process = Process::own);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Serves until it is told to stop, or a fatal error, which it throws. Once.
  void run();
  /// For who owns the log: called on the core loop when an operator asks for another level.
  void on_log_level(std::function<void(LogLevel)> set) { set_log_level_ = std::move(set); }
  /// Any thread: run() stops in order and returns. A second time: without waiting for anything that runs.
  void request_stop();
  /// The children of all queues load their modules anew. Core loop only.
  void reload();
  /// After run(): user code still runs in this process. It holds what the destructor would free, and it may never return.
  [[nodiscard]] bool user_code_left() const;
  /// For who ends the process without destroying this.
  void end_dev_server() { dev_server_.reset(); }

 private:
  struct Server;  // the connection, which exists only while there is a server

  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<void> start();
  boost::asio::awaitable<void> connect();
  boost::asio::awaitable<void> take_signals();
  boost::asio::awaitable<void> stop_asked();
  boost::asio::awaitable<void> stop();
  void start_dev_server();
  void serve_metrics();
  [[nodiscard]] std::string metrics();
  /// What it still waits for, as a sentence; nothing when it is ready.
  [[nodiscard]] std::optional<std::string> not_ready() const;
  std::filesystem::path zygote_program();
  /// For children; null: they share that of this process. Throws SettingsError.
  [[nodiscard]] std::shared_ptr<children::DelegatedCgroup> delegated_cgroup() const;
  void fail(std::exception_ptr error);
  void ask_to_stop();

  // supervisor_control.cpp: what operators ask and tell.
  void open_control();
  boost::asio::awaitable<void> take_resize_signals();
  control::Json view(bool with_metrics) override;
  control::Json kill(const std::string& task) override;
  control::Json drain() override;
  control::Json pause() override;
  control::Json resume() override;
  control::Json set(const control::SettingRange& setting, int value,
                    const std::string& task_queue) override;
  control::Json set_log_level(LogLevel lowest) override;
  boost::asio::awaitable<control::Json> stack(pid_t pid) override;
  boost::asio::awaitable<control::Json> reload_children() override;
  /// Returns what it was. Throws control::Refused.
  int change(QueueWorker& worker, const control::SettingRange& setting, int value);
  void must_serve(const char* what) const;
  /// Raises the limit for all children there may be, and `more`. Throws SettingsError.
  void allow_descriptors(int more = 0) const;
  [[nodiscard]] LogFields state() const;

  std::vector<Options> options_;
  std::span<const ModuleFunction> own_modules_;
  Logger& log_;
  boost::asio::io_context core_{1};
  MetricRegistry registry_;
  ProcessMetrics metrics_;
  std::optional<HttpServer> http_;
  std::string phase_ = "starting";  // empty while it serves
  Watchdog watchdog_;
  std::optional<CrashReports> crash_reports_;
  std::optional<boost::asio::signal_set> signals_;
  std::optional<boost::asio::signal_set> resize_signals_;
  std::optional<StateSignal> state_signal_;
  std::optional<Init> init_;
  std::optional<ReloadSignal> reload_signal_;
  const std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
  std::function<void(LogLevel)> set_log_level_;
  bool paused_ = false;
  bool stop_asked_ = false;
  std::exception_ptr fatal_;
  Wakeup told_{core_.get_executor()};
  Hurry hurry_{core_.get_executor()};
  ipc::UniqueFd zygote_binary_;
  std::shared_ptr<children::DelegatedCgroup> cgroups_;
  std::optional<DevServer> dev_server_;  // ends after all that talks to it
  std::unique_ptr<Server> server_;
  std::list<QueueWorker> workers_;
  std::optional<control::Socket> control_;
};

}  // namespace temporal::supervisor
