// SPDX-License-Identifier: MIT
// Local activities in each home, and workflows that call them in every way.
#include <unistd.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using temporal::Task;
using Milliseconds = std::chrono::milliseconds;
namespace activity = temporal::activity;
namespace asio = boost::asio;
namespace workflow = temporal::workflow;

// "local 1 of 4711": whether it is local, which attempt, in which process.
std::string told(activity::Context& ctx) {
  ctx.heartbeat("nobody hears this");
  return std::string(ctx.info().is_local ? "local " : "remote ") +
         std::to_string(ctx.info().attempt) + " of " + std::to_string(::getpid());
}
std::string in_child(activity::Context& ctx) { return told(ctx); }
std::string on_thread(activity::Context& ctx) { return told(ctx); }
asio::awaitable<std::string> on_loop(activity::Context& ctx) { co_return told(ctx); }

std::string echo(std::string text) { return text; }
void nothing() {}
std::optional<std::string> nobody() { return std::nullopt; }

// Fails until its `n`th attempt.
int flaky(activity::Context& ctx, int n) {
  if (ctx.info().attempt < n) throw temporal::ApplicationError("not yet", {.type = "NotYet"});
  return ctx.info().attempt;
}
void refuses() { throw temporal::ApplicationError("never", {.non_retryable = true}); }
void expected() { throw temporal::ApplicationError("as usual", {.type = "Usual", .benign = true}); }

// Runs for `ms`, unless it is cancelled.
std::string slow(activity::Context& ctx, int ms) {
  ctx.log().info("a slow one begins", {{"attempt", ctx.info().attempt}});
  if (!ctx.wait_cancelled(Milliseconds(ms))) return "done";
  ctx.log().info("a slow one was cancelled");
  throw temporal::Cancelled("stopped");
}
// Its first attempt waits to be killed.
std::string killed(activity::Context& ctx) {
  if (ctx.info().attempt > 1) return "attempt " + std::to_string(ctx.info().attempt);
  ctx.log().info("kill me", {{"pid", ::getpid()}});
  for (;;) ::pause();
}

constexpr temporal::LocalActivityOptions kQuick{.start_to_close_timeout = 10s};

class Homes {
 public:
  Task<std::vector<std::string>> run() {
    std::vector<std::string> told;
    told.push_back(co_await workflow::execute_local_activity<in_child>(kQuick));
    told.push_back(co_await workflow::execute_local_activity<on_thread>(kQuick));
    told.push_back(co_await workflow::execute_local_activity<on_loop>(kQuick));
    co_return told;
  }
};

class Kinds {
 public:
  Task<std::string> run() {
    co_await workflow::execute_local_activity<nothing>(kQuick);
    const auto none = co_await workflow::execute_local_activity<nobody>(kQuick);
    std::vector<workflow::Future<std::string>> both;
    both.push_back(workflow::execute_local_activity<echo>(kQuick, "side"));
    both.push_back(workflow::execute_local_activity<echo>(kQuick, "by side"));
    auto results = co_await workflow::all(std::move(both));
    const int rolled = co_await workflow::side_effect([] { return 4; });
    co_return results[0] + " " + results[1] + (none ? " some" : " none") + std::to_string(rolled);
  }
};

// Which was first, and whether the other one was ended.
class Raced {
 public:
  Task<std::string> run(int activity_ms, int timer_ms) {
    auto activity = workflow::execute_local_activity<slow>(kQuick, activity_ms);
    auto timer = workflow::sleep(Milliseconds(timer_ms));
    const auto first = co_await workflow::race(activity, timer);
    co_return first.index() == 0 ? "activity" : "timer";
  }
};

class Flaky {
 public:
  Task<int> run(int n, int threshold_ms) {
    const Milliseconds threshold(threshold_ms);
    co_return co_await workflow::execute_local_activity<flaky>({.start_to_close_timeout = 10s,
                                                                .retry = {.initial_interval = 20ms},
                                                                .local_retry_threshold = threshold},
                                                               n);
  }
};

// What its activity's failure is, in words.
class Fails {
 public:
  Task<std::string> run(std::string which) {
    try {
      if (which == "refuses") co_await workflow::execute_local_activity<refuses>(kQuick);
      if (which == "listed") {
        co_await workflow::execute_local_activity<flaky>(
            {.start_to_close_timeout = 10s,
             .retry = {.non_retryable = temporal::error_types("NotYet")}},
            9);
      }
      if (which == "benign") {
        co_await workflow::execute_local_activity<expected>(
            {.start_to_close_timeout = 10s, .retry = {.maximum_attempts = 1}});
      }
      if (which == "start_to_close") {
        co_await workflow::execute_local_activity<slow>(
            {.start_to_close_timeout = 50ms,
             .retry = {.initial_interval = 10ms, .maximum_attempts = 2}},
            60'000);
      }
      if (which == "schedule_to_close") {
        co_await workflow::execute_local_activity<flaky>(
            {.schedule_to_close_timeout = 300ms, .retry = {.initial_interval = 100ms}}, 99);
      }
      if (which == "unknown") {
        co_await workflow::execute_local_activity(
            "no_such_activity", {.start_to_close_timeout = 10s, .retry = {.maximum_attempts = 1}});
      }
    } catch (const temporal::ActivityError& error) {
      const auto* cause = error.cause().get();
      std::string text =
          "retry state " + std::to_string(static_cast<int>(error.retry_state())) + ": ";
      if (const auto* timeout = dynamic_cast<const temporal::TimeoutError*>(cause))
        text += "timeout " + std::to_string(static_cast<int>(timeout->kind()));
      else
        text += cause->message();
      co_return text;
    }
    co_return "no failure";
  }
};

// Counts what reaches it while its activity runs.
class Long {
 public:
  Task<std::string> run(int ms) {
    auto result =
        co_await workflow::execute_local_activity<slow>({.start_to_close_timeout = 60s}, ms);
    co_return result + ", " + std::to_string(poked_) + " pokes";
  }
  void poke() { ++poked_; }
  int poked() const { return poked_; }
  int add(int n) { return poked_ += n; }
  // A mistake, once in the life of the process.
  void trip() {
    static std::atomic<bool> tripped = false;
    if (!tripped.exchange(true)) throw std::runtime_error("tripped");
  }

 private:
  int poked_ = 0;
};

// One after the other.
class Chain {
 public:
  Task<int> run(int count, int ms) {
    for (int i = 0; i < count; ++i)
      co_await workflow::execute_local_activity<slow>({.start_to_close_timeout = 60s}, ms);
    co_return count;
  }
};

class Cancels {
 public:
  Task<std::string> run(std::string how) {
    const auto on_cancel = how == "try"    ? temporal::OnCancel::try_cancel
                           : how == "wait" ? temporal::OnCancel::wait_completed
                                           : temporal::OnCancel::abandon;
    auto activity = workflow::execute_local_activity<slow>(
        {.start_to_close_timeout = 60s, .on_cancel = on_cancel}, 9'000);
    co_await workflow::wait_condition([this] { return stop_; });
    activity.cancel();
    std::string ended = "returned";
    try {
      co_await activity;
    } catch (const temporal::ActivityError& error) {
      ended = temporal::is_cancelled(error) ? "cancelled" : "failed";
    }
    co_await workflow::sleep(1ms);
    co_return ended;
  }
  void stop() { stop_ = true; }

 private:
  bool stop_ = false;
};

// Ends while its activity runs.
class Leaves {
 public:
  Task<std::string> run() {
    auto activity = workflow::execute_local_activity<slow>({.start_to_close_timeout = 60s}, 60'000);
    co_await workflow::wait_condition([this] { return stop_; });
    co_return "left";
  }
  void stop() { stop_ = true; }

 private:
  bool stop_ = false;
};

class Killed {
 public:
  Task<std::string> run() {
    co_return co_await workflow::execute_local_activity<killed>(
        {.start_to_close_timeout = 60s, .retry = {.initial_interval = 10ms}});
  }
};

// The second one finds no place in time.
class Crowded {
 public:
  Task<std::string> run() {
    auto first = workflow::execute_local_activity<slow>({.start_to_close_timeout = 60s}, 700);
    std::string ended = "no failure";
    try {
      co_await workflow::execute_local_activity<echo>(
          {.start_to_close_timeout = 10s, .schedule_to_start_timeout = 100ms}, "x");
    } catch (const temporal::ActivityError& error) {
      const auto cause = error.cause();
      const auto* timeout = dynamic_cast<const temporal::TimeoutError*>(cause.get());
      ended = timeout ? "timeout " + std::to_string(static_cast<int>(timeout->kind())) : "failed";
    }
    co_await first;
    co_return ended;
  }
};

// A remote activity has the only place; a local one needs none of those.
class Beside {
 public:
  Task<std::string> run() {
    auto remote = workflow::execute_activity<slow>({.start_to_close_timeout = 60s}, 60'000);
    co_await workflow::wait_condition([this] { return go_; });
    auto text = co_await workflow::execute_local_activity<echo>(kQuick, "beside");
    remote.cancel();
    co_return text;
  }
  void go() { go_ = true; }

 private:
  bool go_ = false;
};

void fill(temporal::Module& m) {
  m.activity<in_child>({.executor = temporal::Executor::child});
  m.activity<on_thread>({.executor = temporal::Executor::threads});
  m.activity<on_loop>();
  m.activity<echo>({.executor = temporal::Executor::threads});
  m.activity<nothing>({.executor = temporal::Executor::threads});
  m.activity<nobody>({.executor = temporal::Executor::threads});
  m.activity<flaky>({.executor = temporal::Executor::threads});
  m.activity<refuses>({.executor = temporal::Executor::threads});
  m.activity<expected>({.executor = temporal::Executor::threads});
  m.activity<slow>({.executor = temporal::Executor::threads});
  m.activity<killed>({.executor = temporal::Executor::child});
  m.workflow<Homes>();
  m.workflow<Kinds>();
  m.workflow<Raced>();
  m.workflow<Flaky>();
  m.workflow<Fails>();
  m.workflow<Long>()
      .signal<&Long::poke>()
      .signal<&Long::trip>()
      .query<&Long::poked>()
      .update<&Long::add>();
  m.workflow<Chain>();
  m.workflow<Cancels>().signal<&Cancels::stop>();
  m.workflow<Leaves>().signal<&Leaves::stop>();
  m.workflow<Killed>();
  m.workflow<Crowded>();
  m.workflow<Beside>().signal<&Beside::go>();
}
TEMPORAL_EXPORT_MODULE(fill);
