// SPDX-License-Identifier: MIT
#include "supervisor/activity/loop_executor.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/activity/local_execution.hpp"
#include "supervisor/threads/coroutine_chain.hpp"
#include "supervisor/threads/task_executor.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

class OnLoop final : public LocalExecution {
 public:
  OnLoop(asio::any_io_executor core, asio::any_io_executor loop, const child::v1::Start& start,
         Logger& log, Link& link)
      : LocalExecution(std::move(core), start, log, link), loop_(std::move(loop)), news_(loop_) {}

  // --- the loop thread ---
  bool wait_cancelled(Duration) override {
    throw std::logic_error(
        "wait_cancelled() would block the event loop: a coroutine activity is cancelled where it "
        "waits, or looks at cancelled(); or make the activity a plain function");
  }
  bool wait_worker_shutdown(Duration) override {
    throw std::logic_error(
        "wait_worker_shutdown() would block the event loop: co_await "
        "async_wait_worker_shutdown()");
  }
  asio::awaitable<bool> async_wait_worker_shutdown(Duration timeout) override {
    const auto end = std::chrono::steady_clock::now() +
                     std::min<Duration>(timeout, std::chrono::hours(24 * 365));
    while (!worker_shutdown() && !cancel_reason()) {
      asio::steady_timer patience(loop_, end);
      patience.async_wait([this, self = shared_from_this()](auto error) {
        if (!error) news_.notify();
      });
      co_await news_.wait();
      if (std::chrono::steady_clock::now() >= end) break;
    }
    co_return worker_shutdown() || cancel_reason();
  }

  asio::awaitable<Payload> call(const detail::ActivityDefinition& activity, Payloads input) {
    auto self = shared_from_this();
    const auto task = identity();
    const CoroutineChain chain(*task, co_await coroutine_entry());
    activity::Context context(*self);
    co_return co_await activity.call_on_loop(context, std::move(input));
  }
  [[nodiscard]] asio::cancellation_slot cancellation() { return stop_.slot(); }

 private:
  // --- the core loop ---
  void wake() override {
    asio::post(loop_, [this, self = shared_from_this()] { news_.notify(); });
  }
  void deliver_cancel() override {
    asio::post(loop_, [this, self = shared_from_this()] {
      if (wants_stop()) request_stop();
      stop_.emit(asio::cancellation_type::terminal);
    });
  }

  asio::any_io_executor loop_;
  asio::cancellation_signal stop_;  // loop thread
  Wakeup news_;                     // loop thread
};

// How a coroutine ends. When an operation that it awaits destroys its completion handler instead of
// calling it, Asio destroys the coroutine, and this with it; then nobody else would ever tell.
class Ended {
 public:
  explicit Ended(std::shared_ptr<OnLoop> running) : running_(std::move(running)) {}
  Ended(Ended&&) noexcept = default;
  Ended& operator=(Ended&&) = delete;
  ~Ended() {
    if (!running_) return;
    end(std::make_exception_ptr(ApplicationError(
            "the coroutine was destroyed before its end: an asynchronous operation that it awaited "
            "destroyed its completion handler without calling it",
            {.type = "CoroutineDestroyed"})),
        {});
  }
  void operator()(const std::exception_ptr& error, const Payload& result) { end(error, result); }

 private:
  void end(const std::exception_ptr& error, const Payload& result) {
    std::exchange(running_, nullptr)->end(error, result);
  }
  std::shared_ptr<OnLoop> running_;  // null: told
};

}  // namespace

asio::awaitable<Ending> LoopExecutor::run(const ActivityTask& task, Link link) {
  const auto* activity = module_.find_activity(task.activity_type().name());
  const auto loop = loops_.next();
  const auto core = co_await asio::this_coro::executor;
  const auto start = start_of(task, task_queue_, link.local);
  auto running = std::make_shared<OnLoop>(core, loop, start, log_, link);
  link.started(*running);
  const TaskExecutor steps(loop, running->identity());
  Ended ended(running);
  asio::co_spawn(steps, running->call(*activity, from_proto(task.input())),
                 asio::bind_cancellation_slot(running->cancellation(), std::move(ended)));
  co_return co_await running->ending();
}

}  // namespace temporal::supervisor
