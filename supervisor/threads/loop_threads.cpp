// SPDX-License-Identifier: MIT
#include "supervisor/threads/loop_threads.hpp"

#include <pthread.h>

#include <string>

namespace temporal::supervisor {

LoopThreads::LoopThreads(int count) {
  for (int i = 0; i < count; ++i) {
    auto& loop = loops_.emplace_back();
    loop.thread = std::thread([&loop, i] {
      ::pthread_setname_np(::pthread_self(), ("loop-" + std::to_string(i)).c_str());
      loop.context.run();
    });
  }
  turn_ = loops_.begin();
}

LoopThreads::~LoopThreads() {
  for (auto& loop : loops_) loop.context.stop();
  for (auto& loop : loops_) loop.thread.join();
}

boost::asio::io_context::executor_type LoopThreads::next() {
  auto executor = turn_->context.get_executor();
  if (++turn_ == loops_.end()) turn_ = loops_.begin();
  return executor;
}

}  // namespace temporal::supervisor
