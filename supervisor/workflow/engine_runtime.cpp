// SPDX-License-Identifier: MIT
#include "supervisor/workflow/engine_runtime.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "supervisor/workflow/machines/activity.hpp"
#include "supervisor/workflow/machines/activity_command.hpp"
#include "supervisor/workflow/machines/timer.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

using workflow::detail::BoolFuture;
using workflow::detail::FutureState;
using workflow::detail::PayloadFuture;
using workflow::detail::PayloadState;
using workflow::detail::PlainFuture;
using workflow::detail::ValueState;

namespace {

constexpr Duration kShortestTimer = std::chrono::milliseconds(1);

Task<void> drive(Task<void> task, PlainFuture done) {
  std::exception_ptr error;
  try {
    co_await std::move(task);
  } catch (...) {
    error = std::current_exception();
  }
  error ? done->fail(error) : done->succeed();
}

}  // namespace

EngineRuntime::EngineRuntime(Machines& machines, EventLoop& loop, const LogSink& sink)
    : machines_(machines), loop_(loop), sink_(sink) {}

PayloadFuture EngineRuntime::execute_activity(std::string_view type, Payloads arguments,
                                              const ActivityOptions& options) {
  auto future = std::make_shared<PayloadState>(trampoline());
  if (retired_) return future;
  refuse_in_predicate("execute_activity");
  auto command =
      activity_command(type, arguments, options, last_activity_ + 1, machines_.info().task_queue);
  ++last_activity_;
  Activity::schedule(machines_, std::move(command), options.on_cancel, future);
  loop_.cancel_with_workflow(future);
  return future;
}

PlainFuture EngineRuntime::sleep(Duration duration, const TimerOptions& options) {
  if (retired_) return std::make_shared<FutureState>(trampoline());
  refuse_in_predicate("sleep");
  auto timer = start_timer(duration, options.summary);
  loop_.cancel_with_workflow(timer);
  return timer;
}

PlainFuture EngineRuntime::start_timer(Duration duration, std::string_view summary) {
  if (duration < Duration::zero())
    throw std::invalid_argument("a timer's duration must not be negative");
  if (duration > Duration::zero() && duration < kShortestTimer) duration = kShortestTimer;
  auto future = std::make_shared<FutureState>(trampoline());
  Timer::start(machines_, ++last_timer_, duration, summary, future);
  return future;
}

BoolFuture EngineRuntime::wait_condition(std::function<bool()> predicate,
                                         std::optional<Duration> timeout) {
  auto future = std::make_shared<ValueState<bool>>(trampoline());
  if (retired_) return future;
  refuse_in_predicate("wait_condition");
  in_predicate_ = true;
  bool holds = false;
  try {
    holds = predicate();
  } catch (...) {
    in_predicate_ = false;
    throw;
  }
  in_predicate_ = false;
  if (holds) {
    future->value = true;
    future->succeed();
    return future;
  }
  auto guarded = [this, predicate = std::move(predicate)] {
    in_predicate_ = true;
    try {
      const bool result = predicate();
      in_predicate_ = false;
      return result;
    } catch (...) {
      in_predicate_ = false;
      throw;
    }
  };
  PlainFuture timer;
  if (timeout) timer = start_timer(*timeout, {});
  // The future owns this, so it must not own the future.
  future->set_on_cancel([waiting = std::weak_ptr<FutureState>(future), timer] {
    if (auto alive = waiting.lock())
      alive->fail(std::make_exception_ptr(Cancelled("the wait for a condition was cancelled")));
    if (timer) timer->cancel();
  });
  loop_.wait(Condition{std::move(guarded), future, timer});
  loop_.cancel_with_workflow(future);
  return future;
}

void EngineRuntime::spawn(Task<void> task, PlainFuture done) {
  if (retired_) return;
  refuse_in_predicate("spawn");
  loop_.start(drive(std::move(task), std::move(done)));
}

workflow::Random& EngineRuntime::random() {
  if (!retired_) refuse_in_predicate("random");
  return random_;
}

void EngineRuntime::note_cancel(std::string reason) {
  cancel_requested_ = true;
  cancel_reason_ = std::move(reason);
}

void EngineRuntime::write(LogLevel level, std::string_view message, const LogFields& fields) {
  if (sink_ && !retired_ && !machines_.replaying()) sink_(level, message, fields);
}

void EngineRuntime::refuse_in_predicate(const char* call) const {
  if (in_predicate_)
    throw std::logic_error("workflow::" + std::string(call) +
                           "() was called while in read-only function: the predicate of "
                           "wait_condition must only look");
}

}  // namespace temporal::engine
