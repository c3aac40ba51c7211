// SPDX-License-Identifier: MIT
// What the histories beside this file were recorded with. To change a workflow here is to change code that runs in
// production: it must still replay what it once recorded.
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
namespace activity = temporal::activity;
namespace workflow = temporal::workflow;
using temporal::ActivityOptions;
using temporal::Task;

std::string greet(std::string name) { return "Hello, " + name + "!"; }

int decline() {
  throw temporal::ApplicationError("no money", {.type = "CardDeclined", .non_retryable = true});
}

void hold(activity::Context& ctx) {
  for (;;) {
    ctx.heartbeat("holding");
    ctx.wait_cancelled(200ms);
  }
}

constexpr ActivityOptions kQuick{.start_to_close_timeout = 10s};
constexpr ActivityOptions kHeld{.start_to_close_timeout = 1min,
                                .heartbeat_timeout = 2s,
                                .on_cancel = temporal::OnCancel::wait_completed};

struct Greeting {
  Task<std::string> run(std::string name) {
    co_return co_await workflow::execute_activity<greet>(kQuick, name);
  }
};

struct Declined {
  Task<int> run() { co_return co_await workflow::execute_activity<decline>(kQuick); }
};

// A deadline that a signal beats, or not.
struct Reminder {
  Task<std::string> run(int seconds) {
    const bool told = co_await workflow::wait_condition([&] { return !note_.empty(); },
                                                        std::chrono::seconds(seconds));
    co_return told ? note_ : "nobody came";
  }
  void tell(std::string note) { note_ = std::move(note); }
  std::string note_;
};

// What it starts, and in which order, depends on random numbers, ids and the time.
struct Dice {
  Task<std::vector<std::string>> run() {
    std::vector<workflow::Future<std::string>> greetings;
    for (int i = 0; i < 4; ++i) {
      if (workflow::random().between(0, 1) == 1) co_await workflow::sleep(10ms);
      const auto name = workflow::uuid4() + " " + std::to_string(workflow::random()() % 100);
      greetings.push_back(workflow::execute_activity<greet>(kQuick, name));
    }
    if (workflow::now().time_since_epoch().count() % 2 == 0) co_await workflow::sleep(20ms);
    co_return co_await workflow::all(greetings);
  }
};

// Cleans up after its cancellation, and ends as Canceled.
struct Trip {
  Task<> run() {
    std::exception_ptr cancelled;
    try {
      co_await workflow::sleep(1h);
    } catch (const temporal::Cancelled&) {
      cancelled = std::current_exception();
    }
    co_await workflow::execute_activity<greet>(kQuick, "cleaner");
    if (cancelled) std::rethrow_exception(cancelled);
  }
};

// Cancels an activity that heartbeats, and waits for what it does about it.
struct Holding {
  Task<std::string> run() {
    auto held = workflow::execute_activity<hold>(kHeld);
    co_await workflow::wait_condition([&] { return let_go_; });
    held.cancel();
    try {
      co_await held;
    } catch (const temporal::ActivityError& error) {
      co_return temporal::is_cancelled(error) ? "let go" : "lost";
    }
    co_return "held to the end";
  }
  void let_go() { let_go_ = true; }
  bool let_go_ = false;
};

struct Rounds {
  Task<int> run(int round) {
    co_await workflow::sleep(10ms);
    if (round < 3) workflow::continue_as_new<Rounds>({}, round + 1);
    co_return round;
  }
};

// Side by side, each with a timer and an activity of its own.
struct Errands {
  Task<int> run() {
    std::vector<workflow::Future<int>> errands;
    for (int i = 0; i < 3; ++i) errands.push_back(workflow::spawn(errand(i)));
    int sum = 0;
    for (int length : co_await workflow::all(errands)) sum += length;
    co_return sum;
  }
  static Task<int> errand(int i) {
    co_await workflow::sleep(std::chrono::milliseconds(30 - 10 * i));
    const auto greeting =
        co_await workflow::execute_activity<greet>(kQuick, std::string(std::size_t(i), 'x'));
    co_return int(greeting.size());
  }
};

void histories(temporal::Module& m) {
  m.activity<greet>();
  m.activity<decline>();
  m.activity<hold>();
  m.workflow<Greeting>();
  m.workflow<Declined>();
  m.workflow<Reminder>().signal<&Reminder::tell>();
  m.workflow<Dice>();
  m.workflow<Trip>();
  m.workflow<Holding>().signal<&Holding::let_go>();
  m.workflow<Rounds>();
  m.workflow<Errands>();
}
TEMPORAL_EXPORT_MODULE(histories);
