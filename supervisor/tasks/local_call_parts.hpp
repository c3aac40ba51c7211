// SPDX-License-Identifier: MIT
// What LocalCalls is made of: one attempt, one call of attempts, and the place where a run finds their ends.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "supervisor/tasks/local_calls.hpp"

namespace temporal::supervisor {

/// A coroutine waits here, woken or until a time comes. One at a time.
class Alarm {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  explicit Alarm(boost::asio::any_io_executor core) : timer_(std::move(core)) {}
  boost::asio::awaitable<void> wait_until(TimePoint until);
  void ring() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

struct LocalCalls::Inbox {
  explicit Inbox(boost::asio::any_io_executor core) : alarm(std::move(core)) {}
  Alarm alarm;
  std::deque<engine::LocalResult> ends;
  bool closed = false;  ///< the run wants no more of them
  bool renewed = false;
  int retries = 0;
};

/// One attempt in its home. It lives until the code has ended, whoever may have given up on it by then.
class LocalCalls::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(LocalCalls& all, Permit place, Alarm& ended);
  ~Attempt();

  void start(Executor& executor, ActivityTask task, std::shared_ptr<UserMetrics> metrics,
             const ActivityLimits& limits);
  void cancel(CancelReason reason);
  void notify_shutdown();
  void terminate();
  /// Nobody asks how it ends.
  void forget() { call_ended_ = nullptr; }
  [[nodiscard]] std::optional<Ending>& ending() { return ending_; }
  [[nodiscard]] std::optional<CancelReason> cancelled() const { return cancelled_; }

 private:
  // Kept alive by the first argument: it may be nobody's before it has begun.
  boost::asio::awaitable<void> run(std::shared_ptr<Attempt> self, Executor& executor,
                                   ActivityTask task, Link link);

  LocalCalls& all_;
  std::list<Attempt*>::iterator here_;
  Permit place_;
  Alarm* call_ended_;
  Execution* execution_ = nullptr;
  ActivityLimits limits_;
  std::optional<CancelReason> cancelled_;
  std::optional<Ending> ending_;
  boost::asio::steady_timer grace_;
};

/// One call, with all its attempts.
class LocalCalls::Call : public std::enable_shared_from_this<Call> {
 public:
  Call(LocalCalls& all, std::shared_ptr<const Owner> owner, engine::LocalCall call,
       std::shared_ptr<Inbox> inbox);
  ~Call();

  void start();
  void cancel(CancelReason reason);
  /// Its end is no longer asked for.
  void leave() { inbox_ = nullptr; }
  void stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Outcome = std::variant<api::common::v1::Payloads, api::failure::v1::Failure>;
  // Kept alive by the argument.
  boost::asio::awaitable<void> run(std::shared_ptr<Call> self);
  boost::asio::awaitable<engine::LocalResult> attempts();
  boost::asio::awaitable<Outcome> attempt(int number);
  boost::asio::awaitable<std::optional<Outcome>> get_place();
  boost::asio::awaitable<void> wait_for_place(std::shared_ptr<Call> self);
  Outcome outcome_of(Attempt& attempt, int number);
  Outcome refused(api::failure::v1::Failure failure, int number);
  [[nodiscard]] api::failure::v1::Failure no_such_activity() const;
  [[nodiscard]] ActivityTask task(int number) const;
  [[nodiscard]] TimePoint after(Duration timeout) const;

  LocalCalls& all_;
  std::list<Call*>::iterator here_;
  const std::shared_ptr<const Owner> owner_;
  const engine::LocalCall call_;
  std::shared_ptr<Inbox> inbox_;
  const LocalActivityMetrics& metrics_;
  const Time scheduled_;            // of the first attempt
  const TimePoint scheduled_here_;  // the same moment, by the clock that does not jump
  const TimePoint began_;
  Alarm alarm_;
  Permit place_;
  bool wants_place_ = false;
  std::shared_ptr<Attempt> running_;
  std::optional<CancelReason> cancelled_;
};

}  // namespace temporal::supervisor
