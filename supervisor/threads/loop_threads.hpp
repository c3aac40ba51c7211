// SPDX-License-Identifier: MIT
// The loops of user coroutines: never the core loop, so that a coroutine that blocks delays its
// like and nothing else.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <list>
#include <thread>
#include <vector>

namespace temporal::supervisor {

class LoopThreads {
 public:
  explicit LoopThreads(int count);
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;
  /// As join(), then abandons what is still waiting on the loops.
  ~LoopThreads();

  /// Stops the loops and joins. What was made on them may still be destroyed.
  void join();

  /// The loops in turn. Everything crosses by asio::post.
  [[nodiscard]] boost::asio::io_context::executor_type next();
  /// Every loop, once, in the order of their numbers.
  [[nodiscard]] std::vector<boost::asio::io_context::executor_type> all();

 private:
  struct Loop {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stay{
        context.get_executor()};
    std::thread thread;
  };
  std::list<Loop> loops_;
  std::list<Loop>::iterator turn_;
};

}  // namespace temporal::supervisor
