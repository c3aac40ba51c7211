// SPDX-License-Identifier: MIT
// Workflow code may loop for ever. Two questions: how does the core loop notice, and who runs the
// other workflows meanwhile? A closure that overstays its deadline is left behind with its thread;
// a new thread takes the place.
#pragma once

#include <sys/types.h>

#include <atomic>
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
#include <string>
#include <thread>
#include <vector>

#include "supervisor/threads/current_task.hpp"

namespace temporal::supervisor {

/// Thread rule: all members are called on the core loop.
class WorkflowThreads {
 public:
  using Work = std::function<void()>;
  /// Calls `done` with what the thread is doing, innermost first; on any thread, soon.
  using StackOf =
      std::function<void(pid_t thread, std::function<void(std::vector<std::string>)> done)>;

  /// `deadline` bounds one closure's run; zero switches the watch off.
  WorkflowThreads(boost::asio::any_io_executor core, int count, std::chrono::milliseconds deadline,
                  StackOf stack_of = {});
  WorkflowThreads(const WorkflowThreads&) = delete;
  WorkflowThreads& operator=(const WorkflowThreads&) = delete;
  /// Joins the threads that are not lost.
  ~WorkflowThreads();

  struct End {
    /// False: it overstayed; it is still running on a thread that is counted as lost, and whatever
    /// it holds belongs to that thread from now on.
    bool returned = true;
    std::vector<std::string> stack{};  ///< of what overstayed, where it could be had
  };
  /// Runs `work` on a free thread, in the name of `task` if there is one.
  boost::asio::awaitable<End> run(Work work, std::shared_ptr<const TaskIdentity> task = {});
  /// The same for work of ours, which may last.
  boost::asio::awaitable<void> run_unwatched(Work work);

  /// Threads that have not come back yet. While there are some, the process can only end by _exit.
  [[nodiscard]] int lost() const noexcept { return *lost_; }

 private:
  struct Job;
  struct Worker;
  struct Queue;

  boost::asio::awaitable<End> run(std::shared_ptr<Job> job);
  void start_worker();
  void look_at_workers();
  void give_up(std::shared_ptr<Job> job, pid_t thread);
  void replace(Worker& lost);

  boost::asio::any_io_executor core_;
  std::chrono::milliseconds deadline_;
  StackOf stack_of_;
  boost::asio::steady_timer watch_;
  std::chrono::steady_clock::time_point last_look_{};
  bool watching_ = false;
  int running_ = 0;
  // Shared with the threads: who comes back late, if ever, takes himself off.
  std::shared_ptr<std::atomic<int>> lost_ = std::make_shared<std::atomic<int>>(0);
  std::uint64_t jobs_ = 0;
  std::shared_ptr<Queue> queue_;  // shared with the threads: a lost one outlives this object
  std::list<std::shared_ptr<Worker>> workers_;
};

}  // namespace temporal::supervisor
