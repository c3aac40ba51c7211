// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "supervisor/threads/current_task.hpp"
#include "tests/supervisor/threads/support.hpp"

namespace temporal::test {

/// A loop on a thread of its own that can be made to block.
class StuckLoop {
 public:
  using Executor = boost::asio::io_context::executor_type;

  StuckLoop() : thread_([this] { loop_.run(); }) {}
  ~StuckLoop() {
    loop_.stop();
    thread_.join();
  }
  [[nodiscard]] Executor executor() { return loop_.get_executor(); }

  /// The next handler on `executor` will block.
  template <typename AnyExecutor>
  void will_stick(const AnyExecutor& executor) {
    boost::asio::post(executor, [this] {
      blocked_ = ::gettid();
      stuck_.put();
      release_.take();
    });
  }
  /// Returns when it waits in take(): until it sleeps it may still be on its way there.
  void is_stuck() const {
    stuck_.take();
    while (!sleeps(blocked_)) std::this_thread::yield();
  }
  void release() const { release_.put(); }
  /// Returns when everything that was posted before has run.
  void catch_up() { boost::asio::post(loop_, boost::asio::use_future).get(); }

 private:
  static bool sleeps(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    const std::string stat(std::istreambuf_iterator<char>(file), {});
    return stat.find(") S ") != std::string::npos;
  }

  Pipe stuck_, release_;
  std::atomic<pid_t> blocked_ = 0;
  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<Executor> stay_{loop_.get_executor()};
  std::thread thread_;
};

inline std::shared_ptr<supervisor::TaskIdentity> sleepy() {
  return std::make_shared<supervisor::TaskIdentity>(
      supervisor::TaskFields{.activity_type = "sleepy",
                             .activity_id = "5",
                             .workflow_type = "Night",
                             .workflow_id = "night-1",
                             .run_id = "r-1",
                             .attempt = 2});
}

}  // namespace temporal::test
