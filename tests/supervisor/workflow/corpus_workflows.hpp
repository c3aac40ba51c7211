// SPDX-License-Identifier: MIT
// What the recorded histories were recorded with, told again in C++. Registered under the type each
// history names.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "temporal/activity.hpp"
#include "temporal/module.hpp"
#include "temporal/workflow.hpp"

namespace corpus {

using namespace std::chrono_literals;
using namespace temporal;
namespace workflow = temporal::workflow;

constexpr ActivityOptions kMinute{.start_to_close_timeout = 1min};

// Does nothing, for ever: for histories that are refused before any command.
struct Idle {
  Task<> run() {
    co_await workflow::wait_condition([] { return false; });
  }
};

struct Returns {
  Task<> run() { co_return; }
};

inline Task<> call(std::string type) { co_await workflow::execute_activity(type, kMinute); }

struct Agent {
  Task<> run() {
    co_await call("invoke_model");
    co_await call("get_weather");
    co_await call("invoke_model");
  }
};

struct HelloAgent {
  Task<> run() { co_await call("invoke_model_activity"); }
};

struct ToolsAgent {
  Task<> run() {
    co_await call("invoke_model_activity");
    co_await call("get_weather");
    co_await call("invoke_model_activity");
  }
};

struct SayHello {
  Task<Payload> run(Payload name) {
    co_return co_await workflow::execute_activity<Payload>("say_hello", kMinute, name);
  }
};

struct SayHelloThenWait {
  Task<> run() {
    co_await call("say_hello");
    co_await workflow::wait_condition([] { return false; });
  }
};

struct GoHello {
  Task<> run() { co_await call("Activity"); }
};

struct WhileWorkerDown {
  Task<> run() {
    auto counting = workflow::spawn(count());
    co_await workflow::wait_condition([&] { return counter_ >= 2; });
    co_await counting;
  }
  Task<> count() {
    co_await call("say_hello");
    ++counter_;
  }
  void dosig() { ++counter_; }
  static void handlers(WorkflowBuilder<WhileWorkerDown> builder) {
    builder.signal<&WhileWorkerDown::dosig>();
  }
  int counter_ = 0;
};

struct ActivityThenTimerCancel {
  Task<> run() {
    auto timer = workflow::sleep(3s);
    co_await workflow::wait_condition([&] { return signalled_; });
    auto echo = workflow::execute_activity("Echo", kMinute);
    timer.cancel();
    co_await echo;
  }
  void signal() { signalled_ = true; }
  static void handlers(WorkflowBuilder<ActivityThenTimerCancel> builder) {
    builder.signal<&ActivityThenTimerCancel::signal>();
  }
  bool signalled_ = false;
};

struct AwaitWithTimeout {
  Task<> run() {
    auto setter = workflow::sleep(100ms);
    auto timeout = workflow::sleep(10s);
    co_await workflow::wait_condition([&] { return setter.ready() || timeout.ready(); });
  }
};

struct CancelAtOnce {
  Task<> run() {
    auto timer = workflow::sleep(3s);
    auto upper = workflow::execute_activity("Prefix_ToUpper", kMinute);
    timer.cancel();
    co_await upper;
  }
};

struct ContinuesAsNew {
  Task<> run() {
    workflow::continue_as_new("ContinueAsNewWorkflow", {}, 1);
    co_return;
  }
};

struct StartsAndReturns {
  Task<> run() {
    (void)workflow::execute_activity("helloworldActivity", kMinute);
    co_return;
  }
};

struct HelloThenIdle {
  Task<> run() {
    co_await call("helloworldActivity");
    co_await workflow::wait_condition([] { return false; });
  }
};

struct Trip {
  Task<> run() {
    co_await workflow::wait_condition([&] { return events_ == 10; });
    workflow::continue_as_new("TripWorkflow", {});
  }
  void trip_event() { ++events_; }
  static void handlers(WorkflowBuilder<Trip> builder) { builder.signal<&Trip::trip_event>(); }
  int events_ = 0;
};

struct CancelOrder {
  Task<> run() {
    bool cancelled = false;
    try {
      co_await workflow::sleep(5min);
    } catch (const Cancelled&) {
      cancelled = true;
    }
    if (cancelled) co_await call("helloworldActivity");
  }
};

struct TimerAgain {
  Task<> run() {
    try {
      co_await workflow::sleep(10min);
    } catch (const Cancelled&) {
    }
    co_await workflow::sleep(10min);
  }
};

struct OneTimer {
  Task<> run() { co_await workflow::sleep(1s); }
};

struct CancelFakeProgress {
  Task<> run() {
    auto activity = workflow::execute_activity(
        "fakeProgress", {.start_to_close_timeout = 1min, .on_cancel = OnCancel::wait_completed});
    co_await workflow::wait_condition([&] { return started_; });
    activity.cancel();
    try {
      co_await activity;
    } catch (const ActivityError& error) {
      if (!is_cancelled(error)) throw;
    }
  }
  void started() { started_ = true; }
  static void handlers(WorkflowBuilder<CancelFakeProgress> builder) {
    builder.signal<&CancelFakeProgress::started>({.name = "activityStarted"});
  }
  bool started_ = false;
};

template <bool CancelsTimer>
struct TimeoutScope {
  Task<> run() {
    auto timer = workflow::sleep(10s);
    co_await call("noopActivity");
    if (CancelsTimer) timer.cancel();
  }
};

struct AlwaysFails {
  Task<> run() { co_await call("AlwaysFailActivity"); }
};

struct ThrowsIo {
  Task<> run() { co_await call("HeartbeatAndThrowIO"); }
};

struct StartRace {
  Task<> run() {
    std::vector<workflow::Future<>> running;
    try {
      for (;;) {
        running.push_back(workflow::execute_activity("SleepActivity", kMinute));
        co_await workflow::wait_condition([&] { return resumes_ > 0; });
        --resumes_;
      }
    } catch (const Cancelled&) {
    }
  }
  void resume() { ++resumes_; }
  static void handlers(WorkflowBuilder<StartRace> builder) { builder.signal<&StartRace::resume>(); }
  int resumes_ = 0;
};

struct ScopeCancelled {
  Task<> run() {
    auto activity = workflow::execute_activity("DoActivity", kMinute);
    co_await workflow::sleep(5min);
    co_await activity;
  }
};

struct OldPath {
  Task<> run() {
    co_await workflow::sleep(1s);
    co_await call("customActivity1");
  }
};

struct Patched {
  Task<> run() {
    co_await workflow::sleep(workflow::patched("integ_test_change_name") ? 100ms : 200ms);
    co_await workflow::sleep(200ms);
    co_await workflow::sleep(workflow::patched("integ_test_change_name") ? 100ms : 200ms);
  }
};

// Sleeps only when it is replayed: what a workflow must never do.
struct Unfaithful {
  Task<> run() {
    if (workflow::is_replaying()) co_await workflow::sleep(1ms);
    co_await call("SayHello");
  }
};

}  // namespace corpus
