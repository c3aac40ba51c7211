// SPDX-License-Identifier: MIT
// What a run has done in its own worker: local activities and side effects.
#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/options_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/local_retry.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "supervisor/workflow/machines/local_activity.hpp"
#include "temporal/errors.hpp"
#include "temporal/unsafe.hpp"

namespace temporal::engine {

using workflow::Future;
using workflow::detail::PayloadFuture;
using workflow::detail::PayloadState;

namespace {

constexpr Duration kRetryThreshold = std::chrono::seconds(60);

void check_options(std::string_view type, const LocalActivityOptions& options, bool unlimited) {
  constexpr auto kZero = Duration::zero();
  const auto what = "local activity " + std::string(type);
  const auto refuse = [&](const char* why) { throw std::invalid_argument(what + ": " + why); };
  if (type.empty()) refuse("it needs a name");
  if (options.start_to_close_timeout == kZero && options.schedule_to_close_timeout == kZero &&
      !unlimited)
    refuse("set start_to_close_timeout or schedule_to_close_timeout");
  if (options.start_to_close_timeout < kZero || options.schedule_to_close_timeout < kZero ||
      options.schedule_to_start_timeout < kZero || options.local_retry_threshold < kZero)
    refuse("a timeout must not be negative");
  check(options.retry, what);
}

// Zero: none.
Duration limit_of(const workflow::Info& info) {
  if (info.run_timeout == Duration::zero()) return info.execution_timeout;
  if (info.execution_timeout == Duration::zero()) return info.run_timeout;
  return std::min(info.run_timeout, info.execution_timeout);
}

std::exception_ptr cancelled_between_attempts(const LocalCall& call) {
  auto failure = activity_failure(call.activity_id, call.activity_type, "Local activity failed");
  auto* info = failure.mutable_activity_failure_info();
  info->set_retry_state(api::enums::v1::RETRY_STATE_CANCEL_REQUESTED);
  failure.mutable_cause()->set_message("it was cancelled while it waited for its next attempt");
  failure.mutable_cause()->mutable_canceled_failure_info();
  return exception_from(failure);
}

}  // namespace

PayloadFuture EngineRuntime::execute_local_activity(workflow::Call wanted_call,
                                                    LocalActivityOptions options) {
  auto future = std::make_shared<PayloadState>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("execute_local_activity");
  show(&workflow::Interceptor::execute_local_activity, wanted_call, options);
  const auto limit = limit_of(machines_.info());
  check_options(wanted_call.name, options, limit == Duration::zero());
  LocalActivity::Wanted wanted;
  wanted.on_cancel = options.on_cancel;
  wanted.future = future;
  set_summary(options.summary, wanted.summary);
  auto& call = wanted.call;
  call.activity_id = std::string(options.id);
  call.activity_type = std::move(wanted_call.name);
  to_proto(wanted_call.arguments, &call.arguments);
  to_proto(wanted_call.headers, call.header.mutable_fields());
  call.start_to_close_timeout = options.start_to_close_timeout;
  call.schedule_to_close_timeout = options.schedule_to_close_timeout > Duration::zero()
                                       ? options.schedule_to_close_timeout
                                       : limit;
  call.schedule_to_start_timeout = options.schedule_to_start_timeout;
  set_retry_policy(options.retry, &call.retry);
  complete_retry_policy(call.retry);
  call.retry_threshold = options.local_retry_threshold > Duration::zero()
                             ? options.local_retry_threshold
                             : kRetryThreshold;
  start_local(std::move(wanted));
  loop_.cancel_with_scope(future);
  return future;
}

// Each attempt that history can tell from others has a number of its own, and with it an id, unless
// that was given.
void EngineRuntime::start_local(LocalActivity::Wanted wanted) {
  wanted.retry_later = [this, again = wanted](LocalCall next, Duration backoff) mutable {
    next.activity_id = again.call.activity_id;
    loop_.start(retry_local(std::move(again), std::move(next), backoff));
  };
  auto& call = wanted.call;
  call.seq = ++last_activity_;
  if (call.activity_id.empty()) call.activity_id = std::to_string(call.seq);
  machines_.locals().start(std::move(wanted), now(), replaying());
}

Task<void> EngineRuntime::retry_local(LocalActivity::Wanted wanted, LocalCall next,
                                      Duration backoff) {
  auto timer = start_timer(backoff, {});
  wanted.future->set_on_cancel([timer] { timer->cancel(); });
  bool cancelled = false;
  try {
    co_await Future<>(timer, &workflow::detail::take_nothing);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  if (cancelled) {
    wanted.future->fail(cancelled_between_attempts(next));
    co_return;
  }
  wanted.call = std::move(next);
  start_local(std::move(wanted));
}

PayloadFuture EngineRuntime::side_effect(std::function<Payload()> work) {
  auto future = std::make_shared<PayloadState>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("side_effect");
  LocalActivity::Wanted wanted;
  wanted.future = future;
  wanted.call.activity_type = kSideEffect;
  wanted.call.retry.set_maximum_attempts(1);
  complete_retry_policy(wanted.call.retry);
  start_local(std::move(wanted));
  if (replaying()) return future;
  LocalResult result;
  result.seq = last_activity_;
  const ReadOnly guard(*this, "a side effect");
  const workflow::unsafe::allow what_it_is_there_for;
  try {
    api::common::v1::Payloads value;
    to_proto(work(), value.add_payloads());
    result.outcome = std::move(value);
  } catch (const ReadOnlyViolation&) {
    throw;
  } catch (...) {
    to_failure_proto(std::current_exception(),
                     &result.outcome.emplace<api::failure::v1::Failure>());
  }
  machines_.locals().answer_here(std::move(result));
  return future;
}

}  // namespace temporal::engine
