// SPDX-License-Identifier: MIT
// The C++ counterparts of recorded workflows that had local activities.
#pragma once

#include "tests/supervisor/workflow/corpus_workflows.hpp"

namespace corpus {

constexpr LocalActivityOptions kLocalMinute{.start_to_close_timeout = 1min};

struct OneLocalActivity {
  Task<> run() { co_await workflow::execute_local_activity("helloworldActivity", kLocalMinute); }
};

// A signal that nobody handles comes while the local activity is busy.
struct EvictedWhileBusy {
  Task<> run() {
    co_await workflow::execute_local_activity(
        "delay", {.start_to_close_timeout = 1min, .retry = {.maximum_attempts = 4}});
    co_await workflow::execute_activity("delay", kMinute, "hi!");
  }
};

struct UpdatedWhileBusy {
  Task<int> run() {
    co_await workflow::execute_local_activity("delay", kLocalMinute);
    co_return updates_;
  }
  void update() { ++updates_; }
  static void handlers(WorkflowBuilder<UpdatedWhileBusy> builder) {
    builder.update<&UpdatedWhileBusy::update>();
  }
  int updates_ = 0;
};

// The handler of its signal, which came with the start, runs as soon as it is set: before what follows it.
struct HandlesLate {
  Task<std::string> run() {
    auto story = co_await step("a");
    std::string told;
    workflow::set_signal_handler("startSignal", [&told]() -> Task<> { told = co_await step("b"); });
    co_await workflow::sleep(0s);
    auto last = co_await step("c");
    co_return story + told + last;
  }
  static Task<std::string> step(std::string name) {
    co_return co_await workflow::execute_local_activity<std::string>(name, kLocalMinute);
  }
};

struct Smorgasbord {
  Task<> run(int) {
    std::vector<workflow::Future<>> all;
    all.push_back(workflow::sleep(1s));
    all.push_back(workflow::execute_activity("fakeProgress", kMinute, 100, 10));
    all.push_back(workflow::execute_activity("queryOwnWf", kMinute, "step"));
    all.push_back(workflow::spawn(unblock_child()));
    all.push_back(workflow::execute_local_activity("echo", kLocalMinute, "local-activity"));
    all.push_back(workflow::wait_condition([&] { return started_; }));
    co_await workflow::all(std::move(all));
  }
  Task<> unblock_child() {
    auto child = co_await workflow::start_child("signalTarget",
                                                {.id = "4951fb36-36e1-414c-a359-ae6f70541afe"});
    co_await child.signal("unblock");
    co_await child.result();
  }
  void started() { started_ = true; }
  static void handlers(WorkflowBuilder<Smorgasbord> builder) {
    builder.signal<&Smorgasbord::started>({.name = "activityStarted"});
  }
  bool started_ = false;
};

// Whoever waits for the end goes on after it.
struct AfterComplete {
  Task<std::string> run() {
    co_await workflow::wait_condition([&] { return may_end_; });
    co_await workflow::execute_local_activity<std::string>("SomeActivity", kLocalMinute);
    ended_ = true;
    co_return "complete-workflow";
  }
  Task<std::string> update() {
    may_end_ = true;
    co_await workflow::wait_condition([&] { return ended_; });
    co_return "complete-update";
  }
  Task<> fail(bool after_the_end) {
    may_end_ = true;
    if (after_the_end) co_await workflow::wait_condition([&] { return ended_; });
    throw ApplicationError("the signal fails");
  }
  static void handlers(WorkflowBuilder<AfterComplete> builder) {
    builder.update<&AfterComplete::update>({.name = "DoUpdate", .unfinished = Unfinished::abandon})
        .signal<&AfterComplete::fail>({.name = "DoErroringSignal"});
  }
  bool may_end_ = false;
  bool ended_ = false;
};

struct MultiSignalOrder {
  Task<std::vector<std::string>> run() {
    co_await workflow::execute_local_activity("SendTwoSignals", kLocalMinute);
    co_await workflow::wait_condition(
        [&] { return workflow::all_handlers_finished() && !signals_.empty(); });
    co_return signals_;
  }
  void signal(std::string text) { signals_.push_back(text); }
  static void handlers(WorkflowBuilder<MultiSignalOrder> builder) {
    builder.signal<&MultiSignalOrder::signal>({.name = "Signal"});
  }
  std::vector<std::string> signals_;
};

}  // namespace corpus
