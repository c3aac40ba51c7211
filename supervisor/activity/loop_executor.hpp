// SPDX-License-Identifier: MIT
// Coroutine activities, on loops of their own. What they ask of their context and what they are
// told crosses by post().
#pragma once

#include <string>
#include <utility>

#include "supervisor/activity/executor.hpp"
#include "supervisor/threads/loop_threads.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

class LoopExecutor final : public Executor {
 public:
  /// `log` may be written from any thread.
  LoopExecutor(const Module& module, LoopThreads& loops, Logger& log, std::string task_queue)
      : module_(module), loops_(loops), log_(log), task_queue_(std::move(task_queue)) {}
  boost::asio::awaitable<Ending> run(const ActivityTask& task, Link link) override;
  [[nodiscard]] bool may_block() const noexcept override { return false; }

 private:
  const Module& module_;
  LoopThreads& loops_;
  Logger& log_;
  std::string task_queue_;
};

}  // namespace temporal::supervisor
