// SPDX-License-Identifier: MIT
#include "supervisor/threads/loop_threads.hpp"

#include <pthread.h>

#include <string>

#include "shared/alternate_stack.hpp"

namespace temporal::supervisor {

LoopThreads::LoopThreads(int count) {
  for (int i = 0; i < count; ++i) {
    auto& loop = loops_.emplace_back();
    loop.thread = std::thread([&loop, i] {
      ::pthread_setname_np(::pthread_self(), ("loop-" + std::to_string(i)).c_str());
      const AlternateStack stack;
      loop.context.run();
    });
  }
  turn_ = loops_.begin();
}

LoopThreads::~LoopThreads() { join(); }

void LoopThreads::join() {
  for (auto& loop : loops_) loop.context.stop();
  for (auto& loop : loops_)
    if (loop.thread.joinable()) loop.thread.join();
}

boost::asio::io_context::executor_type LoopThreads::next() {
  auto executor = turn_->context.get_executor();
  if (++turn_ == loops_.end()) turn_ = loops_.begin();
  return executor;
}

std::vector<boost::asio::io_context::executor_type> LoopThreads::all() {
  std::vector<boost::asio::io_context::executor_type> executors;
  for (auto& loop : loops_) executors.push_back(loop.context.get_executor());
  return executors;
}

}  // namespace temporal::supervisor
