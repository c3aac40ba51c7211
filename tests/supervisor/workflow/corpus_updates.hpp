// SPDX-License-Identifier: MIT
// The C++ counterparts of recorded workflows that were sent updates.
#pragma once

#include <cstdint>

#include "tests/supervisor/workflow/corpus_workflows.hpp"

namespace corpus {

// Asks the model until it answers with words. A cancellation ends the wait.
struct CustomerService {
  Task<> run() {
    co_await workflow::wait_condition([] { return false; });
  }
  Task<> process_user_message(Payload) {
    for (bool answered = false; !answered;) {
      auto answer = co_await workflow::execute_activity<Payload>("invoke_model_activity", kMinute);
      answered = answer.data.find("\"function_call\"") == std::string::npos;
    }
  }
  static void handlers(WorkflowBuilder<CustomerService> builder) {
    builder.update<&CustomerService::process_user_message>();
  }
};

struct UpdateAfterReturn {
  Task<std::string> run() {
    returned_ = true;
    co_return "workflow-result";
  }
  Task<std::string> my_update() {
    co_await workflow::wait_condition([&] { return returned_; });
    co_return "update-result";
  }
  static void handlers(WorkflowBuilder<UpdateAfterReturn> builder) {
    builder.update<&UpdateAfterReturn::my_update>({.unfinished = Unfinished::abandon});
  }
  bool returned_ = false;
};

// Its conditions hold before anybody waits for them.
struct Tracing {
  Task<std::vector<std::string>> run() {
    auto timer = workflow::spawn(sleep());
    auto activity = workflow::spawn(hello());
    co_await timer;
    co_await activity;
    co_return events_;
  }
  Task<> dosig(std::string name) { co_await trace("sig-" + name); }
  Task<> doupdate(std::string name) { co_await trace("update-" + name); }
  static void handlers(WorkflowBuilder<Tracing> builder) {
    builder.signal<&Tracing::dosig>().update<&Tracing::doupdate>();
  }

 private:
  Task<> sleep() {
    events_.push_back("timer-sync");
    co_await workflow::sleep(100ms);
    events_.push_back("timer-1");
    co_await workflow::wait_condition([] { return true; });
    events_.push_back("timer-2");
  }
  Task<> hello() {
    events_.push_back("act-sync");
    co_await call("say_hello");
    events_.push_back("act-1");
    co_await workflow::wait_condition([] { return true; });
    events_.push_back("act-2");
  }
  Task<> trace(std::string what) {
    events_.push_back(what + "-sync");
    co_await workflow::wait_condition([] { return true; });
    events_.push_back(what + "-1");
    co_await workflow::wait_condition([] { return true; });
    events_.push_back(what + "-2");
  }
  std::vector<std::string> events_;
};

struct MultipleUpdates {
  Task<int> run() {
    co_await workflow::wait_condition([] { return workflow::all_handlers_finished(); });
    co_return updates_;
  }
  Task<> echo() {
    ++updates_;
    co_await call("Echo");
  }
  Task<> sleep() {
    ++updates_;
    co_await workflow::sleep(1s);
  }
  void empty() { ++updates_; }
  static void handlers(WorkflowBuilder<MultipleUpdates> builder) {
    builder.update<&MultipleUpdates::echo>()
        .update<&MultipleUpdates::sleep>()
        .update<&MultipleUpdates::empty>();
  }
  int updates_ = 0;
};

// When it was recorded, its update slept for a second.
struct SleepsNoMore {
  Task<> run() {
    co_await workflow::wait_condition([&] { return updated_; });
  }
  void update() { updated_ = true; }
  static void handlers(WorkflowBuilder<SleepsNoMore> builder) {
    builder.update<&SleepsNoMore::update>();
  }
  bool updated_ = false;
};

struct FetchAndAdd {
  Task<int> run() {
    co_await workflow::wait_condition([&] { return done_; });
    co_return counter_;
  }
  Task<int> fetch_and_add(int addend) {
    co_await workflow::sleep(1s);
    counter_ += addend;
    co_return counter_ - addend;
  }
  void check(const int& addend) const {
    if (addend < 0) throw ApplicationError("the addend must not be negative");
  }
  void done() { done_ = true; }
  static void handlers(WorkflowBuilder<FetchAndAdd> builder) {
    builder.update<&FetchAndAdd::fetch_and_add, &FetchAndAdd::check>().signal<&FetchAndAdd::done>();
  }
  int counter_ = 0;
  bool done_ = false;
};

struct UpdateAndExit {
  Task<> run() {
    co_await workflow::wait_condition([&] { return updated_; });
  }
  void update() { updated_ = true; }
  static void handlers(WorkflowBuilder<UpdateAndExit> builder) {
    builder.update<&UpdateAndExit::update>();
  }
  bool updated_ = false;
};

struct SleepsInUpdate {
  Task<> run() {
    co_await workflow::wait_condition([&] { return shut_down_; });
  }
  Task<> update(std::int64_t nanoseconds) {
    co_await workflow::sleep(std::chrono::nanoseconds(nanoseconds));
  }
  void shutdown() { shut_down_ = true; }
  static void handlers(WorkflowBuilder<SleepsInUpdate> builder) {
    builder.update<&SleepsInUpdate::update>().signal<&SleepsInUpdate::shutdown>();
  }
  bool shut_down_ = false;
};

}  // namespace corpus
