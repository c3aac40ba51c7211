// SPDX-License-Identifier: MIT
// A process may serve several task queues: each has its modules, homes, places and polls, and here is one of them. It knows the
// order in which they start and stop; what all of them share (connection, watchdog, log, signals) is the Supervisor's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "supervisor/client/loop_client.hpp"
#include "supervisor/codec/coded_service.hpp"
#include "supervisor/control/settings.hpp"
#include "supervisor/deployment.hpp"
#include "supervisor/observe/worker_metrics.hpp"
#include "supervisor/options.hpp"
#include "supervisor/rpc/workflow_service.hpp"
#include "supervisor/tasks/activity_homes.hpp"
#include "supervisor/tasks/activity_tasks.hpp"
#include "supervisor/tasks/local_calls.hpp"
#include "supervisor/tasks/permits.hpp"
#include "supervisor/tasks/workflow_tasks.hpp"
#include "supervisor/threads/watchdog.hpp"
#include "supervisor/threads/workflow_threads.hpp"
#include "supervisor/wakeup.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

/// A second stop signal, or SIGQUIT: nothing is waited for any more.
class Hurry {
 public:
  explicit Hurry(boost::asio::any_io_executor core) : told_(std::move(core)) {}
  void ask() {
    asked_ = true;
    told_.notify();
  }
  [[nodiscard]] bool is_asked() const noexcept { return asked_; }
  boost::asio::awaitable<void> asked() {
    while (!asked_) co_await told_.wait();
  }

 private:
  bool asked_ = false;
  Wakeup told_;
};

/// Thread rule: core loop only. Its steps are called in the order they are declared in; after a step that threw, only stop().
class QueueWorker {
 public:
  /// All must outlive it.
  QueueWorker(boost::asio::any_io_executor core, Options options,
              std::span<const ModuleFunction> own_modules, Watchdog& watchdog,
              MetricRegistry& registry, Logger& log);
  QueueWorker(const QueueWorker&) = delete;
  QueueWorker& operator=(const QueueWorker&) = delete;

  /// Throws ModuleError; SettingsError when the modules leave nothing to serve.
  void load_modules();
  /// Activities that its children may have at a time; since load_modules().
  [[nodiscard]] int most_child_places() const {
    return serves_activities_ ? supervisor::most_child_places(options_, module_) : 0;
  }
  [[nodiscard]] int places_of_a_child() const { return options_.tasks_per_child; }
  /// Returns when every home can take tasks. `zygote_program` is asked when one is needed. `cgroups`: see ChildSettings. Throws
  /// children::PoolError, ModuleError, SettingsError.
  boost::asio::awaitable<void> start_homes(
      const std::function<std::filesystem::path()>& zygote_program,
      std::shared_ptr<children::DelegatedCgroup> cgroups);
  /// `address`: of the service. Throws SettingsError when the namespace does not exist.
  boost::asio::awaitable<void> check_namespace(WorkflowService& service, std::string address);
  /// `failed` is told of what ends the worker.
  void start_polling(const api::workflowservice::v1::GetSystemInfoResponse& system,
                     std::function<void(std::exception_ptr)> failed);
  /// The children of this queue load the modules anew; see children::ChildPool::reload(). Any time: before there are children, or
  /// without any, `done` says so.
  void reload(children::ReloadDone done = {});
  /// Each step is bounded; all of it fits into the 30 s that Kubernetes allows.
  boost::asio::awaitable<void> stop(Hurry& hurry);

  [[nodiscard]] bool polling() const noexcept { return workflow_tasks_ || activity_tasks_; }
  /// It holds what a destructor would free, and it may never return.
  [[nodiscard]] bool user_code_left() const;
  [[nodiscard]] LogFields state() const;
  /// Looks up what simply is (how many children, polls, places) for who reads the metrics now.
  void show_metrics();
  /// Why it takes no tasks though it polls, as a sentence; nothing when it does.
  [[nodiscard]] std::optional<std::string> not_ready() const;

  // For an operator; since start_polling().
  /// state(), and each child and task.
  [[nodiscard]] LogFields view();
  void pause_polling();
  void resume_polling();
  /// As ActivityTasks::named().
  [[nodiscard]] std::vector<Attempt*> tasks_named(const std::string& name) const;
  /// Null without children.
  [[nodiscard]] const children::ChildPool* child_pool() const {
    return homes_ ? homes_->pool() : nullptr;
  }
  /// What a coroutine or a workflow handed over to this child. False: nothing, or no such child.
  bool kill_handed_over(pid_t pid) { return pool() && pool()->kill_task(pid); }
  [[nodiscard]] const std::string& task_queue() const noexcept { return options_.task_queue; }
  /// Nothing where there is no use for it.
  [[nodiscard]] std::optional<int> value_of(control::Setting setting) const;
  /// Only where it has a value, and within its range.
  void set(control::Setting setting, int value);

 private:
  void start_workflows(bool sdk_metadata, const std::function<void(std::exception_ptr)>& failed);
  void give_client();
  [[nodiscard]] CrashHistory crash_history() const;
  void start_activities(const std::function<void(std::exception_ptr)>& failed);
  boost::asio::awaitable<void> stop_in_order(Hurry& hurry);
  boost::asio::awaitable<void> announce_stop();
  boost::asio::awaitable<void> end_polling(std::chrono::milliseconds patience);
  boost::asio::awaitable<void> end_polling_in(Hurry& hurry);
  boost::asio::awaitable<void> drain_activities(Hurry& hurry);
  boost::asio::awaitable<void> activities_drained();
  /// False: not within `bound`, or somebody is in a hurry.
  boost::asio::awaitable<bool> activities_drained_within(std::chrono::milliseconds bound,
                                                         Hurry& hurry);
  void end_by_force();
  [[nodiscard]] int running_activities() const;
  [[nodiscard]] std::size_t blob_limit() const;
  [[nodiscard]] children::ChildPool* pool() { return homes_ ? homes_->pool() : nullptr; }

  boost::asio::any_io_executor core_;
  Options options_;
  std::span<const ModuleFunction> own_modules_;
  Watchdog& watchdog_;
  Logger& log_;
  Module module_;
  Deployment deployment_;  // since load_modules()
  bool serves_workflows_ = false;
  bool serves_activities_ = false;      ///< local ones at least
  WorkflowService* service_ = nullptr;  // since check_namespace()
  api::workflowservice::v1::DescribeNamespaceResponse name_space_;
  std::string instance_key_;
  std::string sticky_queue_;  // empty: none
  WorkerMetrics metrics_;
  std::optional<Coder> coder_;
  std::optional<CodedWorkerService> coded_;  // stands before the service

  // Declared in order of need: who is used by others comes first, and is destroyed last.
  std::optional<WorkflowThreads> workflow_threads_;
  std::optional<Permits> workflow_permits_, activity_permits_;
  std::optional<LoopClient> client_;
  std::optional<ActivityHomes> homes_;
  std::optional<AttemptSettings> attempts_;
  std::optional<LocalCalls> local_calls_;
  std::optional<WorkflowTasks> workflow_tasks_;
  std::optional<ActivityTasks> activity_tasks_;
};

}  // namespace temporal::supervisor
