// SPDX-License-Identifier: MIT
#include "supervisor/threads/activity_threads.hpp"

#include <pthread.h>

#include <system_error>
#include <thread>
#include <utility>

#include "shared/alternate_stack.hpp"

namespace temporal::supervisor {

struct ActivityThreads::Shared {
  const std::string name;
  const int most;
  const std::chrono::milliseconds idle_for;
  std::mutex mutex;
  std::condition_variable work_waits;
  std::condition_variable thread_ended;
  std::deque<std::function<void()>> work;
  int threads = 0;
  int idle = 0;
  int started = 0;
  bool closed = false;
};

ActivityThreads::ActivityThreads(std::string name, int most, std::chrono::milliseconds idle)
    : shared_(new Shared{.name = std::move(name),
                         .most = most,
                         .idle_for = idle,
                         .mutex = {},
                         .work_waits = {},
                         .thread_ended = {},
                         .work = {}}) {}

ActivityThreads::~ActivityThreads() {
  std::unique_lock lock(shared_->mutex);
  shared_->closed = true;
  shared_->work_waits.notify_all();
  shared_->thread_ended.wait(lock, [this] { return shared_->threads == 0; });
}

void ActivityThreads::submit(std::function<void()> work) {
  std::lock_guard lock(shared_->mutex);
  shared_->work.push_back(std::move(work));
  const auto waiting = static_cast<int>(shared_->work.size());
  if (waiting > shared_->idle && shared_->threads < shared_->most) {
    try {
      // Detached: it ends by itself when idle, and the destructor waits for the count.
      std::thread(serve, std::ref(*shared_), shared_->started).detach();
      ++shared_->started;
      ++shared_->threads;
    } catch (const std::system_error&) {
      if (shared_->threads == 0) {
        shared_->work.pop_back();
        throw;
      }
    }
  }
  shared_->work_waits.notify_one();
}

int ActivityThreads::busy() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->threads - shared_->idle;
}

void ActivityThreads::serve(Shared& shared, int number) {
  ::pthread_setname_np(::pthread_self(),
                       (shared.name + "-" + std::to_string(number)).substr(0, 15).c_str());
  const AlternateStack stack;
  std::unique_lock lock(shared.mutex);
  for (;;) {
    ++shared.idle;
    shared.work_waits.wait_for(lock, shared.idle_for,
                               [&] { return shared.closed || !shared.work.empty(); });
    --shared.idle;
    if (shared.work.empty()) break;
    auto work = std::move(shared.work.front());
    shared.work.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it held is released before the thread counts as idle
    lock.lock();
  }
  --shared.threads;
  // Under the lock: the destructor may free it as soon as it is released.
  shared.thread_ended.notify_all();
}

}  // namespace temporal::supervisor
