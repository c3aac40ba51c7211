// SPDX-License-Identifier: MIT
// What every workflow author expects, one small workflow for each.
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using temporal::Task;
namespace activity = temporal::activity;
namespace workflow = temporal::workflow;

constexpr temporal::ActivityOptions kQuick{.start_to_close_timeout = 10s};
constexpr temporal::ActivityOptions kOnce{.start_to_close_timeout = 10s,
                                          .retry = {.maximum_attempts = 1}};

// --- activities ---

std::string describe_me(activity::Context& ctx) {
  return ctx.info().activity_type + " " + ctx.info().activity_id;
}

class Greeter {
 public:
  std::string greet(std::string name) { return "Hola, " + name; }
};

void fail_always(activity::Context& ctx) {
  throw temporal::ApplicationError("attempt " + std::to_string(ctx.info().attempt),
                                   {.type = "Broken"});
}

void fail_with_delay(activity::Context& ctx) {
  if (ctx.info().attempt == 1)
    throw temporal::ApplicationError("later", {.next_retry_delay = 100ms});
}

void beat_and_hang(activity::Context& ctx) {
  ctx.heartbeat("half way");
  ctx.wait_cancelled(1min);
}

// --- workflows ---

struct Several {
  Task<std::string> run(std::string text, int number, std::optional<bool> flag) {
    co_return text + " " + std::to_string(number) + " " +
        (flag ? *flag ? "yes" : "no" : "not said");
  }
};

struct Informed {
  Task<nlohmann::json> run() {
    const auto& info = workflow::info();
    co_return nlohmann::json{
        {"workflow_id", info.workflow_id},
        {"run_id", info.run_id},
        {"first_run_id", info.first_run_id},
        {"original_run_id", info.original_run_id},
        {"type", info.workflow_type},
        {"namespace", info.workflow_namespace},
        {"task_queue", info.task_queue},
        {"attempt", info.attempt},
        {"run_timeout", std::chrono::duration<double>(info.run_timeout).count()},
        {"history_length", info.history_length}};
  }
};

struct Ids {
  Task<std::vector<std::string>> run() {
    const auto first = workflow::uuid7();
    co_await workflow::sleep(10ms);
    co_return std::vector<std::string>{workflow::uuid4(), workflow::uuid4(), first,
                                       workflow::uuid7()};
  }
};

struct Nothing {
  Task<> run() { co_return; }
};

struct FailsOnce {
  Task<int> run() {
    if (workflow::info().attempt < 2) throw temporal::ApplicationError("not yet");
    co_return workflow::info().attempt;
  }
};

struct Sleeps {
  Task<std::string> run(int ms) {
    co_await workflow::sleep(std::chrono::milliseconds(ms), {.summary = "a nap"});
    co_return "slept";
  }
};

struct SleepsInOrder {
  Task<std::vector<int>> run() {
    std::vector<int> order;
    std::vector<workflow::Future<>> naps;
    for (int tenths : {3, 1, 2}) naps.push_back(workflow::spawn(nap(tenths, order)));
    co_await workflow::all(std::move(naps));
    co_return order;
  }
  static Task<> nap(int tenths, std::vector<int>& order) {
    co_await workflow::sleep(tenths * 100ms);
    order.push_back(tenths);
  }
};

struct Calls {
  Task<std::vector<std::string>> run() {
    std::vector<std::string> said;
    said.push_back(co_await workflow::execute_activity<describe_me>(kQuick));
    said.push_back(co_await workflow::execute_activity<std::string>("describe_me", kQuick));
    said.push_back(co_await workflow::execute_activity<&Greeter::greet>(kQuick, "Ana"));
    said.push_back(co_await workflow::execute_activity<describe_me>(
        {.start_to_close_timeout = 10s, .id = "mine", .summary = "who am I"}));
    co_return said;
  }
};

struct Explains {
  Task<std::string> run(std::string how) {
    try {
      if (how == "broken") co_await workflow::execute_activity<fail_always>(kOnce);
      if (how == "twice")
        co_await workflow::execute_activity<fail_always>(
            {.start_to_close_timeout = 10s,
             .retry = {.initial_interval = 10ms, .maximum_attempts = 2}});
      if (how == "listed")
        co_await workflow::execute_activity<fail_always>(
            {.start_to_close_timeout = 10s,
             .retry = {.non_retryable = temporal::error_types("Broken")}});
      if (how == "delay")
        co_await workflow::execute_activity<fail_with_delay>(
            {.start_to_close_timeout = 10s, .retry = {.initial_interval = 1h}});
      if (how == "unknown") co_await workflow::execute_activity("no_such_activity", kOnce);
      if (how == "heartbeat")
        co_await workflow::execute_activity<beat_and_hang>({.start_to_close_timeout = 1min,
                                                            .heartbeat_timeout = 300ms,
                                                            .retry = {.maximum_attempts = 1}});
      if (how == "start_to_close")
        co_await workflow::execute_activity<beat_and_hang>(
            {.start_to_close_timeout = 300ms, .retry = {.maximum_attempts = 1}});
      if (how == "nobody")
        co_await workflow::execute_activity<describe_me>({.start_to_close_timeout = 10s,
                                                          .schedule_to_start_timeout = 300ms,
                                                          .task_queue = "nobody-there"});
    } catch (const temporal::ActivityError& error) {
      co_return error.activity_type() + ": " + cause(error);
    }
    co_return "no error";
  }
  static std::string cause(const temporal::ActivityError& error) {
    const auto* why = error.cause().get();
    if (auto* application = dynamic_cast<const temporal::ApplicationError*>(why))
      return application->type() + " " + application->message();
    if (auto* late = dynamic_cast<const temporal::TimeoutError*>(why)) {
      const char* kinds[] = {"?", "start_to_close", "schedule_to_start", "schedule_to_close",
                             "heartbeat"};
      return std::string(kinds[int(late->kind())]) +
             (late->last_heartbeat().empty() ? "" : " after " + late->last_heartbeat()[0].data);
    }
    return why ? why->message() : "no cause";
  }
};

struct CancelledFor {
  Task<std::string> run() {
    try {
      co_await workflow::sleep(1h);
    } catch (const temporal::Cancelled&) {
    }
    co_return "because: " + std::string(workflow::cancellation_reason());
  }
};

struct CleansUp {
  Task<> run() {
    std::exception_ptr cancelled;
    try {
      co_await workflow::sleep(1h);
    } catch (const temporal::Cancelled&) {
      cancelled = std::current_exception();
    }
    {
      const workflow::CancelScope scope(workflow::CancelScope::shielded);
      co_await workflow::execute_activity<describe_me>(kQuick);
    }
    std::rethrow_exception(cancelled);
  }
};

// Goes on as itself when it is told to.
class Counts {
 public:
  Task<int> run(int count) {
    auto pending = workflow::execute_activity<beat_and_hang>({.start_to_close_timeout = 1min});
    co_await workflow::wait_condition([&] { return count_ > 0 || stop_; });
    if (stop_) co_return count;
    workflow::continue_as_new<Counts>({}, count + count_);
  }
  void add(int n) { count_ += n; }
  void stop() { stop_ = true; }
  void go_on(int count) { workflow::continue_as_new<Counts>({}, count); }

 private:
  int count_ = 0;
  bool stop_ = false;
};

struct Broken {
  Task<std::string> run() {
#ifdef MENDED
    co_return "mended";
#else
    throw std::logic_error("a bug");
    co_return "";
#endif
  }
};

void basics(temporal::Module& m) {
  m.activity<describe_me>();
  m.activity<&Greeter::greet>(m.object<Greeter>());
  m.activity<fail_always>();
  m.activity<fail_with_delay>();
  m.activity<beat_and_hang>();
  m.workflow<Several>();
  m.workflow<Informed>();
  m.workflow<Ids>();
  m.workflow<Nothing>();
  m.workflow<FailsOnce>();
  m.workflow<Sleeps>();
  m.workflow<SleepsInOrder>();
  m.workflow<Calls>();
  m.workflow<Explains>();
  m.workflow<CancelledFor>();
  m.workflow<CleansUp>();
  m.workflow<Counts>().signal<&Counts::add>().signal<&Counts::stop>().signal<&Counts::go_on>();
  m.workflow<Broken>();
}
TEMPORAL_EXPORT_MODULE(basics);
