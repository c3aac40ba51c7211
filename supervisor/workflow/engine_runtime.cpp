// SPDX-License-Identifier: MIT
#include "supervisor/workflow/engine_runtime.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/machines/activity.hpp"
#include "supervisor/workflow/machines/activity_command.hpp"
#include "supervisor/workflow/machines/timer.hpp"
#include "supervisor/workflow/siphash.hpp"
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

Task<void> succeed(PlainFuture future) {
  future->succeed();
  co_return;
}

}  // namespace

EngineRuntime::EngineRuntime(Machines& machines, EventLoop& loop, HandlerTable& handlers,
                             Outside outside)
    : machines_(machines), loop_(loop), handlers_(handlers), outside_(outside) {}

void EngineRuntime::make_interceptors(const workflow::detail::InterceptorMakers& makers) {
  interceptors_.reserve(makers.size());
  for (const auto& make : makers) interceptors_.push_back(make());
}

PayloadFuture EngineRuntime::execute_activity(workflow::Call call, ActivityOptions options) {
  auto future = std::make_shared<PayloadState>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("execute_activity");
  show(&workflow::Interceptor::execute_activity, call, options);
  auto command = activity_command(call, options, last_activity_ + 1, machines_.info().task_queue);
  ++last_activity_;
  Activity::schedule(machines_, std::move(command), options.on_cancel, future);
  loop_.cancel_with_scope(future);
  return future;
}

PlainFuture EngineRuntime::sleep(Duration duration, TimerOptions options) {
  if (retired_) return std::make_shared<FutureState>(trampoline());
  refuse_if_read_only("sleep");
  show(&workflow::Interceptor::sleep, duration, options);
  auto timer = start_timer(duration, options);
  loop_.cancel_with_scope(timer);
  return timer;
}

PlainFuture EngineRuntime::start_timer(Duration duration, const TimerOptions& options) {
  if (duration <= Duration::zero()) return turn();
  auto future = std::make_shared<FutureState>(trampoline());
  Timer::start(machines_, ++last_timer_, std::max(duration, kShortestTimer), options.summary,
               future);
  return future;
}

PlainFuture EngineRuntime::turn() {
  auto future = std::make_shared<FutureState>(trampoline());
  loop_.start(succeed(future));
  return future;
}

BoolFuture EngineRuntime::wait_condition(std::function<bool()> predicate,
                                         std::optional<Duration> timeout) {
  auto future = std::make_shared<ValueState<bool>>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("wait_condition");
  auto guarded = [this, predicate = std::move(predicate)] {
    const ReadOnly guard(*this, "the predicate of wait_condition", silent_);
    return predicate();
  };
  if (guarded()) {
    future->value = true;
    future->succeed();
    return future;
  }
  PlainFuture timer;
  if (timeout) {
    TimerOptions options;
    show(&workflow::Interceptor::sleep, *timeout, options);
    timer = start_timer(*timeout, options);
  }
  // The future owns this, so it must not own the future.
  future->set_on_cancel([waiting = std::weak_ptr<FutureState>(future), timer] {
    if (auto alive = waiting.lock())
      alive->fail(std::make_exception_ptr(Cancelled("the wait for a condition was cancelled")));
    if (timer) timer->cancel();
  });
  loop_.wait(Condition{std::move(guarded), future, timer});
  loop_.cancel_with_scope(future);
  return future;
}

void EngineRuntime::spawn(Task<void> task, PlainFuture done) {
  if (retired_) return;
  refuse_if_read_only("spawn");
  loop_.start(drive(std::move(task), std::move(done)));
}

void EngineRuntime::cancel(const std::shared_ptr<temporal::detail::Scope>& scope) {
  if (retired_) return;
  refuse_if_read_only("CancelScope::cancel");
  scope->cancelled = true;
  loop_.cancel_pending(scope);
}

template <class Handler>
void EngineRuntime::keep(const char* call, std::string name, Handler handler) {
  if (retired_) return;
  refuse_if_read_only(call);
  handlers_.set(std::move(name), std::move(handler));
  if (std::is_same_v<Handler, temporal::detail::SignalHandler> && on_signal_handler_)
    on_signal_handler_();
}

void EngineRuntime::set_handler(std::string name, temporal::detail::SignalHandler handler) {
  keep("set_signal_handler", std::move(name), std::move(handler));
}

void EngineRuntime::set_handler(std::string name, temporal::detail::QueryHandler handler) {
  keep("set_query_handler", std::move(name), std::move(handler));
}

void EngineRuntime::set_handler(std::string name, temporal::detail::UpdateHandler handler) {
  keep("set_update_handler", std::move(name), std::move(handler));
}

void EngineRuntime::set_current_details(std::string details) {
  if (retired_) return;
  refuse_if_read_only("set_current_details");
  current_details_ = std::move(details);
}

workflow::Random& EngineRuntime::random() {
  if (!retired_) refuse_if_read_only("random");
  return random_;
}

workflow::Random& EngineRuntime::random(std::string_view stream) {
  if (!retired_) refuse_if_read_only("random");
  auto found = streams_.find(stream);
  if (found == streams_.end()) {
    const std::string name(stream);
    found = streams_.emplace(name, workflow::Random(seed_ ^ randomness_seed(name))).first;
  }
  return found->second;
}

void EngineRuntime::reseed(std::uint64_t seed) {
  seed_ = seed;
  random_ = workflow::Random(seed);
  // In place: code may hold them.
  for (auto& [name, stream] : streams_) stream = workflow::Random(seed ^ randomness_seed(name));
}

void EngineRuntime::note_cancel(std::string reason) {
  cancel_requested_ = true;
  cancel_reason_ = std::move(reason);
}

void EngineRuntime::write(LogLevel level, std::string_view message, const LogFields& fields) {
  if (outside_.log && heard()) outside_.log(machines_.info(), level, message, fields);
}

void EngineRuntime::record(MetricKind kind, std::string_view name, double value,
                           const MetricLabels& labels) {
  if (!outside_.metrics || !heard()) return;
  switch (kind) {
    case MetricKind::counter:
      return outside_.metrics->counter(name, static_cast<std::uint64_t>(value), labels);
    case MetricKind::gauge:
      return outside_.metrics->gauge(name, value, labels);
    case MetricKind::histogram:
      return outside_.metrics->histogram(name, value, labels);
  }
}

void EngineRuntime::refuse_if_read_only(const char* call) const {
  if (read_only_)
    throw ReadOnlyViolation("workflow::" + std::string(call) +
                            "() was called while in read-only function: " + read_only_ +
                            " must only look");
}

}  // namespace temporal::engine
