// SPDX-License-Identifier: MIT
// Workflow tasks: permit, poll, fetch what is missing of the history, activate the run on a
// workflow thread, respond.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "supervisor/observe/worker_metrics.hpp"
#include "supervisor/rpc/workflow_service.hpp"
#include "supervisor/tasks/permits.hpp"
#include "supervisor/tasks/pollers.hpp"
#include "supervisor/threads/workflow_threads.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

struct WorkflowQueue {
  std::string name_space;
  std::string task_queue;
  std::string identity;
  std::string worker_instance_key;
  int pollers = 5;
  std::chrono::milliseconds deadlock_timeout{2'000};
  bool server_keeps_sdk_metadata = true;
};

/// Thread rule: core loop only.
class WorkflowTasks {
 public:
  WorkflowTasks(boost::asio::any_io_executor core, WorkflowQueue queue, const Module& module,
                WorkflowService& service, WorkflowThreads& threads, Permits& permits, Logger& log,
                WorkerMetrics& metrics);

  void start(Pollers::Failed failed) {
    pollers_.start(
        queue_.pollers, [this] { return turn(); }, std::move(failed));
  }
  void stop_polling() noexcept { pollers_.stop(); }
  boost::asio::awaitable<void> end_polling(std::chrono::steady_clock::duration patience) {
    return pollers_.end(patience);
  }
  boost::asio::awaitable<void> drained() { return running_.empty(); }
  [[nodiscard]] int running() const noexcept { return running_.inside(); }

  /// For who watches: polls that are open, and how many tasks there may be at a time.
  [[nodiscard]] int polls() const noexcept { return pollers_.open(); }
  [[nodiscard]] int slots() const noexcept { return permits_.capacity(); }

 private:
  using Task = api::workflowservice::v1::PollWorkflowTaskQueueResponse;

  boost::asio::awaitable<void> turn();
  boost::asio::awaitable<void> handle(Task task, Permit permit, Gate::Pass pass);
  boost::asio::awaitable<void> fetch_history(Task& task);
  boost::asio::awaitable<engine::TaskOutcome> activate(Task& task);
  boost::asio::awaitable<void> respond(const Task& task, engine::TaskOutcome outcome);
  boost::asio::awaitable<void> respond_failed(const Task& task, engine::TaskFailure failure);
  boost::asio::awaitable<void> answer_query(const Task& task);
  engine::LogSink log_sink(const Task& task) const;
  LogFields fields(const Task& task) const;

  boost::asio::any_io_executor core_;
  WorkflowQueue queue_;
  const Module& module_;
  WorkflowService& service_;
  WorkflowThreads& threads_;
  Permits& permits_;
  Logger& log_;
  WorkerMetrics& metrics_;
  Pollers pollers_;
  Gate running_;
};

}  // namespace temporal::supervisor
