// SPDX-License-Identifier: MIT
// Workflows that are talked to, and that limit what they wait for. Their twins are in twin.ts.
#include <chrono>
#include <filesystem>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>

using namespace std::chrono_literals;
using temporal::Task;
namespace workflow = temporal::workflow;

constexpr temporal::ActivityOptions kQuick{.start_to_close_timeout = 10s};

std::string say_hello(std::string name) { return "Hello, " + name + "!"; }
// Until that file is there.
void await_file(temporal::activity::Context& ctx, std::string file) {
  while (!std::filesystem::exists(file)) ctx.wait_cancelled(10ms);
}
// Until it is told to stop.
void linger(temporal::activity::Context& ctx) {
  while (!ctx.wait_cancelled(50ms)) ctx.heartbeat();
  throw temporal::Cancelled("stopped");
}

class Ledger {
 public:
  Task<int> run() {
    co_await workflow::wait_condition([&] { return closed_; });
    co_return total_;
  }
  int add_now(int n) { return total_ += n; }
  Task<int> add(int n) {
    co_await workflow::execute_activity<say_hello>(kQuick, std::to_string(n));
    co_return total_ += n;
  }
  void check_add(const int& n) const {
    if (n < 0) throw temporal::ApplicationError("no negative numbers");
  }
  Task<> add_later(int n) {
    co_await workflow::sleep(50ms);
    total_ += n;
  }
  void refuse() { throw temporal::ApplicationError("not today"); }
  int total() const { return total_; }
  void close() { closed_ = true; }

 private:
  int total_ = 0;
  bool closed_ = false;
};

struct InTime {
  Task<std::string> run(std::string name) {
    co_return co_await workflow::with_timeout(1min, greet(name));
  }
  static Task<std::string> greet(std::string name) {
    co_return co_await workflow::execute_activity<say_hello>(kQuick, name);
  }
};

struct TooLate {
  Task<std::string> run() {
    try {
      co_await workflow::with_timeout(100ms, wait_in_vain());
    } catch (const temporal::TimeoutError&) {
      co_return "late";
    }
    co_return "in time";
  }
  // Nobody serves that queue.
  static Task<> wait_in_vain() {
    co_await workflow::execute_activity<say_hello>(
        {.start_to_close_timeout = 10s, .task_queue = "nobody-there"}, "nobody");
  }
};

struct Race {
  Task<std::string> run(std::string name) {
    auto timer = workflow::sleep(1h);
    auto greeting = workflow::execute_activity<say_hello>(kQuick, name);
    const auto first = co_await workflow::race(greeting, timer);
    timer.cancel();
    co_return first.index() == 0 ? std::get<0>(first) : "nobody";
  }
};

// A handler that is cancelled with the workflow, beside one that is not.
class Shielded {
 public:
  Task<std::string> run() {
    try {
      co_await workflow::sleep(1h);
    } catch (const temporal::Cancelled&) {
    }
    co_await workflow::wait_condition([&] { return paid_; });
    co_return "paid";
  }
  Task<> pay(std::string file) {
    co_await workflow::shield(charge(file));
    paid_ = true;
  }

 private:
  static Task<> charge(std::string file) {
    co_await workflow::execute_activity<await_file>(kQuick, file);
  }
  bool paid_ = false;
};

// Cancels its activity in one of the three ways: "try", "wait", "abandon".
class Drops {
 public:
  Task<std::string> run(std::string how) {
    auto lingering = workflow::execute_activity<linger>(
        {.start_to_close_timeout = 1min,
         .heartbeat_timeout = 2s,
         .on_cancel = how == "try"    ? temporal::OnCancel::try_cancel
                      : how == "wait" ? temporal::OnCancel::wait_completed
                                      : temporal::OnCancel::abandon});
    co_await workflow::wait_condition([&] { return stop_; });
    lingering.cancel();
    try {
      co_await lingering;
    } catch (const temporal::ActivityError& error) {
      if (!temporal::is_cancelled(error)) throw;
    }
    co_await workflow::sleep(10ms);
    co_return "dropped";
  }
  void stop() { stop_ = true; }

 private:
  bool stop_ = false;
};

void talks(temporal::Module& m) {
  m.activity<say_hello>();
  m.activity<await_file>();
  m.activity<linger>();
  m.workflow<Ledger>()
      .update<&Ledger::add_now>()
      .update<&Ledger::add, &Ledger::check_add>()
      .update<&Ledger::add_later>()
      .update<&Ledger::refuse>()
      .query<&Ledger::total>()
      .signal<&Ledger::close>();
  m.workflow<InTime>();
  m.workflow<TooLate>();
  m.workflow<Race>();
  m.workflow<Shielded>().signal<&Shielded::pay>();
  m.workflow<Drops>().signal<&Drops::stop>();
}
TEMPORAL_EXPORT_MODULE(talks);
