// SPDX-License-Identifier: MIT
// Plain functions on threads of the supervisor, by choice: no process in between, and none that
// could be killed. A crash there is a crash of the worker.
#pragma once

#include <string>
#include <utility>

#include "supervisor/activity/executor.hpp"
#include "supervisor/threads/activity_threads.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

class ThreadExecutor final : public Executor {
 public:
  /// `log` may be written from any thread. `callbacks`: where stop callbacks of users run.
  ThreadExecutor(const Module& module, ActivityThreads& threads, ActivityThreads& callbacks,
                 Logger& log, std::string task_queue)
      : module_(module),
        threads_(threads),
        callbacks_(callbacks),
        log_(log),
        task_queue_(std::move(task_queue)) {}
  boost::asio::awaitable<Ending> run(const ActivityTask& task, Link link) override;

 private:
  const Module& module_;
  ActivityThreads& threads_;
  ActivityThreads& callbacks_;
  Logger& log_;
  std::string task_queue_;
};

}  // namespace temporal::supervisor
