// SPDX-License-Identifier: MIT
#include "supervisor/activity/thread_executor.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>

#include "shared/payload_proto.hpp"
#include "supervisor/activity/local_execution.hpp"
#include "supervisor/threads/news.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

class OnThread final : public LocalExecution {
 public:
  OnThread(asio::any_io_executor core, const child::v1::Start& start, Logger& log, Link& link,
           ActivityThreads& callbacks)
      : LocalExecution(std::move(core), start, log, link), callbacks_(callbacks) {}

  // --- the activity's thread ---
  bool wait_cancelled(Duration timeout) override {
    return wait(timeout, [this] { return cancel_reason().has_value(); });
  }
  bool wait_worker_shutdown(Duration timeout) override {
    return wait(timeout, [this] { return worker_shutdown() || cancel_reason(); });
  }
  asio::awaitable<bool> async_wait_worker_shutdown(Duration) override {
    throw std::logic_error(
        "async_wait_worker_shutdown() is for coroutine activities; here wait_worker_shutdown() may "
        "block");
  }

  void call(const detail::ActivityDefinition& activity) {
    std::exception_ptr error;
    Payload result;
    try {
      const CurrentTask step(*identity());
      activity::Context context(*this);
      result = activity.call(context, from_proto(start().input()));
    } catch (...) {
      error = std::current_exception();
    }
    end(error, result);
  }

 private:
  template <class Holds>
  bool wait(Duration timeout, Holds holds) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::min<Duration>(timeout, std::chrono::hours(24 * 365));
    for (;;) {
      const auto seen = news_.seen();
      if (holds()) return true;
      if (Clock::now() >= end) return false;
      news_.wait_until(seen, end);
    }
  }

  // --- the core loop ---
  void wake() override { news_.notify(); }
  void deliver_cancel() override {
    if (!wants_stop()) return;
    auto self = shared_from_this();
    callbacks_.submit([this, self] { request_stop(); });
  }

  News news_;
  ActivityThreads& callbacks_;
};

}  // namespace

asio::awaitable<Ending> ThreadExecutor::run(const ActivityTask& task, Link link) {
  const auto* activity = module_.find_activity(task.activity_type().name());
  const auto core = co_await asio::this_coro::executor;
  const auto start = start_of(task, task_queue_, link.local);
  auto running = std::make_shared<OnThread>(core, start, log_, link, callbacks_);
  link.started(*running);
  std::function<void()> work = [running, activity] { running->call(*activity); };
  threads_.submit(std::move(work));
  co_return co_await running->ending();
}

}  // namespace temporal::supervisor
