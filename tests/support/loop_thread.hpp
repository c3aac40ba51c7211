// SPDX-License-Identifier: MIT
// A loop on a thread of its own, for a test that waits on sockets itself.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <thread>

namespace temporal::test {

class LoopThread {
 public:
  void start() {
    thread_ = std::thread([this] { context_.run(); });
  }
  /// Returns when all that was begun on the loop has ended.
  void join() {
    stay_.reset();
    thread_.join();
  }
  /// The same without waiting for that.
  void stop() {
    context_.stop();
    thread_.join();
  }
  [[nodiscard]] boost::asio::io_context::executor_type executor() {
    return context_.get_executor();
  }
  /// Returns when the loop has done it.
  void run(std::function<void()> what) {
    std::promise<void> done;
    boost::asio::post(context_, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stay_{
      context_.get_executor()};
  std::thread thread_;
};

}  // namespace temporal::test
