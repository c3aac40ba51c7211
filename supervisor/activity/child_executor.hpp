// SPDX-License-Identifier: MIT
// Plain functions, in child processes: an attempt's task becomes a Start record, its end an Ending.
#pragma once

#include <string>
#include <utility>

#include "supervisor/activity/executor.hpp"
#include "supervisor/children/child_pool.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

class ChildExecutor final : public Executor {
 public:
  ChildExecutor(children::ChildPool& pool, std::string task_queue, Logger& log)
      : pool_(pool), task_queue_(std::move(task_queue)), log_(log) {}
  boost::asio::awaitable<Ending> run(const ActivityTask& task, Link link) override;
  /// The same for what a coroutine hands over: `start` names a function, the places are those of
  /// `--offload-children`.
  boost::asio::awaitable<Ending> run_offloaded(child::v1::Start start, Link link);

 private:
  boost::asio::awaitable<Ending> run_start(child::v1::Start start, Link link,
                                           children::Share share);

  children::ChildPool& pool_;
  std::string task_queue_;
  Logger& log_;
};

}  // namespace temporal::supervisor
