// SPDX-License-Identifier: MIT
// Workflow code may loop for ever. Two questions: how does the core loop notice, and who runs the
// other workflows meanwhile? A closure that overstays its deadline is left behind with its thread;
// a new thread takes the place.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace temporal::supervisor {

/// Thread rule: all members are called on the core loop.
class WorkflowThreads {
 public:
  using Work = std::function<void()>;

  /// `deadline` bounds one closure's run; zero switches the watch off.
  WorkflowThreads(boost::asio::any_io_executor core, int count, std::chrono::milliseconds deadline);
  WorkflowThreads(const WorkflowThreads&) = delete;
  WorkflowThreads& operator=(const WorkflowThreads&) = delete;
  /// Joins the threads that are not lost.
  ~WorkflowThreads();

  /// Runs `work` on a free thread. True: it has returned. False: it overstayed; it is still running
  /// on a thread that is counted as lost, and whatever it holds belongs to that thread from now on.
  boost::asio::awaitable<bool> run(Work work);

  /// Threads that never came back. While there are some, the process can only end by _exit.
  [[nodiscard]] int lost() const noexcept { return lost_; }

 private:
  struct Job;
  struct Worker;
  struct Queue;

  void start_worker();
  void look_at_workers();
  void replace(Worker& lost);

  boost::asio::any_io_executor core_;
  std::chrono::milliseconds deadline_;
  boost::asio::steady_timer watch_;
  std::chrono::steady_clock::time_point last_look_{};
  bool watching_ = false;
  int running_ = 0;
  int lost_ = 0;
  std::uint64_t jobs_ = 0;
  std::shared_ptr<Queue> queue_;  // shared with the threads: a lost one outlives this object
  std::list<std::shared_ptr<Worker>> workers_;
};

}  // namespace temporal::supervisor
