// SPDX-License-Identifier: MIT
// Local activities: a run asks for them while its task is open, and gets their ends before the task is answered. Who runs their
// attempts, keeps their time limits and tries again? Nobody else knows of them: what is lost with this process is run again.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/activity/attempt.hpp"
#include "supervisor/observe/worker_metrics.hpp"
#include "supervisor/tasks/permits.hpp"
#include "supervisor/tasks/pollers.hpp"
#include "supervisor/workflow/local_call.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"
#include "temporal/options.hpp"

namespace temporal::supervisor {

/// By temporal::Executor; null where the worker has no such home.
using Executors = std::array<Executor*, 3>;

struct LocalCallSettings {
  boost::asio::any_io_executor core;
  WorkerMetrics& metrics;
  Logger& log;
  std::string name_space;
  /// Where plain functions run that did not choose.
  temporal::Executor plain = temporal::Executor::child;
  int places = 100;
  bool children = true;  ///< --offload-children allows some
  std::optional<std::chrono::milliseconds> cancel_grace{};
  std::optional<std::chrono::milliseconds> timeout_grace{10'000};
  std::size_t blob_limit = AttemptSettings::kBlobLimit;
};

/// Thread rule: core loop only.
class LocalCalls {
 public:
  /// All must outlive it. `executors`: all null in a worker that runs no activities.
  LocalCalls(LocalCallSettings settings, const Module& module, Executors executors);

  /// Whose they are.
  struct Owner {
    std::string workflow_id;
    std::string run_id;
    std::string workflow_type;
  };
  class Run;

  /// The steps of a stop. After stop() no end is reported: the runs are another worker's.
  void notify_shutdown();
  void stop();
  void terminate_all();
  /// No attempt runs, and no run waits for one, or may be about to ask for the next.
  boost::asio::awaitable<void> drained();
  /// Attempts that run, those that nobody waits for included.
  [[nodiscard]] int running() const noexcept { return static_cast<int>(attempts_.size()); }
  /// Calls that are not over, whether they run or wait.
  [[nodiscard]] int open() const noexcept { return static_cast<int>(calls_.size()); }
  /// Runs whose task is kept open for them.
  [[nodiscard]] int waiting() const noexcept { return static_cast<int>(inboxes_.size()); }
  [[nodiscard]] int places() const noexcept { return places_.capacity(); }

 private:
  class Attempt;
  class Call;
  struct Inbox;
  void log(LogLevel level, const char* what, const Owner& owner, const engine::LocalCall& call,
           int attempt, const std::string& failure);

  LocalCallSettings settings_;
  const Module& module_;
  Executors executors_;
  Permits places_;
  std::list<Attempt*> attempts_;
  std::list<Call*> calls_;
  std::list<Inbox*> inboxes_;
  bool notice_ = false;
  bool stopped_ = false;
  Gate inside_, waiting_;
};

/// Those of one run, for as long as it has a task. When this ends, what still runs is asked to stop, but for what the run left.
class LocalCalls::Run {
 public:
  Run(LocalCalls& all, Owner owner);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void start(std::vector<engine::LocalCall> calls);
  void cancel(const std::vector<engine::LocalCancel>& cancels);
  /// The task was renewed for their sake.
  void renewed();

  struct Next {
    std::optional<engine::LocalResult> result;  ///< none: `until` came first
    bool stopped = false;                       ///< there will be none any more
  };
  boost::asio::awaitable<Next> next(std::chrono::steady_clock::time_point until);
  /// Attempts after the first one that began in a renewed task, since it was asked last.
  [[nodiscard]] int take_retries();

 private:
  LocalCalls& all_;
  const std::shared_ptr<const Owner> owner_;
  const std::shared_ptr<Inbox> inbox_;
  const std::list<Inbox*>::iterator here_;
  const Gate::Pass pass_;
  std::map<std::uint32_t, std::weak_ptr<Call>> calls_;
};

}  // namespace temporal::supervisor
