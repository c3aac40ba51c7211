// SPDX-License-Identifier: MIT
// Activity tasks: reserve a place in every home that some activity may need, poll, keep the one
// that is needed, run the attempt, answer.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <string>

#include "supervisor/activity/attempt.hpp"
#include "supervisor/activity/executor.hpp"
#include "supervisor/tasks/permits.hpp"
#include "supervisor/tasks/pollers.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

/// One home of activities: who runs them and how many at a time.
struct Home {
  Executor& executor;
  Permits& places;
};

struct ActivityQueue {
  std::string name_space;
  std::string task_queue;
  std::string identity;
  std::string worker_instance_key;
  int pollers = 5;
};

/// Thread rule: core loop only.
class ActivityTasks {
 public:
  /// `children` or `loop` is null when no registered activity needs it.
  ActivityTasks(ActivityQueue queue, const Module& module, AttemptSettings& settings,
                Permits& activities, Home* children, Home* loop);

  void start(Pollers::Failed failed) {
    pollers_.start(
        queue_.pollers, [this] { return turn(); }, std::move(failed));
  }
  void stop_polling() noexcept { pollers_.stop(); }
  boost::asio::awaitable<void> end_polling(std::chrono::steady_clock::duration patience) {
    return pollers_.end(patience);
  }

  /// The steps of a stop, for every attempt that runs.
  void notify_shutdown();
  void cancel_all(CancelReason reason);
  void terminate_all();
  boost::asio::awaitable<void> drained() { return running_.empty(); }
  [[nodiscard]] int running() const noexcept { return running_.inside(); }

 private:
  struct Places {
    Permit activity;
    Permit child;
    Permit loop;
  };
  boost::asio::awaitable<Places> reserve();
  boost::asio::awaitable<void> turn();
  boost::asio::awaitable<void> handle(ActivityTask task, Places places, Gate::Pass pass);

  ActivityQueue queue_;
  const Module& module_;
  AttemptSettings& settings_;
  Permits& activities_;
  Home* children_;
  Home* loop_;
  Pollers pollers_;
  std::list<Attempt*> attempts_;
  bool shutdown_notice_ = false;
  Gate running_;
};

}  // namespace temporal::supervisor
