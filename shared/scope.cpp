// SPDX-License-Identifier: MIT
#include "temporal/scope.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "temporal/workflow.hpp"

namespace temporal::workflow {

CancelScope::CancelScope(Kind kind) : scope_(std::make_shared<temporal::detail::Scope>()) {
  auto& trampoline = detail::current().trampoline();
  scope_->parent = trampoline.scope();
  scope_->shielded = kind == shielded;
  before_ = trampoline.enter(scope_);
}

CancelScope::~CancelScope() {
  // Null on another thread than the run's: the object was moved out of its coroutine.
  if (auto* trampoline = temporal::detail::current_trampoline()) trampoline->enter(before_);
}

void CancelScope::cancel() { detail::current().cancel(scope_); }

namespace detail {

namespace {

PlainFuture start_timer(Duration timeout) {
  if (timeout <= Duration::zero())
    throw std::invalid_argument("workflow::with_timeout() needs a positive timeout");
  return current().sleep(timeout, {});
}

Task<void> cancel_after(PlainFuture timer, std::shared_ptr<temporal::detail::Scope> scope) {
  try {
    co_await Future<>(std::move(timer), &take_nothing);
  } catch (const Cancelled&) {
    co_return;  // the task was done first
  }
  current().cancel(scope);
}

}  // namespace

TimedScope::TimedScope(Duration timeout) : timeout_(timeout), timer_(start_timer(timeout)) {
  auto& runtime = current();
  runtime.spawn(cancel_after(timer_, scope_.scope()),
                std::make_shared<FutureState>(runtime.trampoline()));
}

TimedScope::~TimedScope() { timer_->cancel(); }

void TimedScope::rethrow(const Failure& failure) const {
  if (scope_.cancelled() && is_cancelled(failure))
    throw TimeoutError("the work was not done within " +
                           std::to_string(std::chrono::duration<double>(timeout_).count()) + " s",
                       TimeoutKind::unspecified);
  throw;
}

}  // namespace detail
}  // namespace temporal::workflow
