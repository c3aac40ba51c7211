// SPDX-License-Identifier: MIT
// Workflows that a test drives from outside; none brings an activity of its own.
#include <stdexcept>
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using temporal::Payload;
using temporal::Task;
namespace workflow = temporal::workflow;

struct How {
  int start_to_close_ms = 30'000;
  int heartbeat_ms = 0;
  int attempts = 0;
  int retry_ms = 50;
  int schedule_to_close_ms = 0;
  std::string never_again;  // type of an error that is not retried
  std::string task_queue;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(How, start_to_close_ms, heartbeat_ms, attempts,
                                                retry_ms, schedule_to_close_ms, never_again,
                                                task_queue)

namespace {

temporal::ActivityOptions options_of(const How& how) {
  return {
      .start_to_close_timeout = milliseconds(how.start_to_close_ms),
      .schedule_to_close_timeout = milliseconds(how.schedule_to_close_ms),
      .heartbeat_timeout = milliseconds(how.heartbeat_ms),
      .retry = {.initial_interval = milliseconds(how.retry_ms),
                .backoff_coefficient = 1,
                .maximum_attempts = how.attempts,
                .non_retryable = how.never_again.empty() ? temporal::ErrorTypes{}
                                                         : temporal::error_types(how.never_again)},
      .task_queue = how.task_queue};
}

workflow::Future<Payload> start(const std::string& activity, const How& how,
                                const std::optional<Payload>& argument,
                                const std::optional<Payload>& second = {}) {
  const auto options = options_of(how);
  if (!argument) return workflow::execute_activity<Payload>(activity, options);
  if (!second) return workflow::execute_activity<Payload>(activity, options, *argument);
  return workflow::execute_activity<Payload>(activity, options, *argument, *second);
}

}  // namespace

// Any activity, by its name; the result passes as it is.
struct Call {
  Task<Payload> run(std::string activity, How how, std::optional<Payload> argument,
                    std::optional<Payload> second) {
    co_return co_await start(activity, how, argument, second);
  }
};

// What say_hello returns is no number.
struct ExpectNumber {
  Task<int> run() {
    std::string name = "World";
    co_return co_await workflow::execute_activity<int>("say_hello", {.start_to_close_timeout = 10s},
                                                       name);
  }
};

struct SleepThenCall {
  Task<Payload> run(int ms, std::string activity, How how, std::optional<Payload> argument) {
    co_await workflow::sleep(milliseconds(ms));
    co_return co_await start(activity, how, argument);
  }
};

struct SleepLong {
  Task<void> run() { co_await workflow::sleep(1h); }
};

// An activity that its workflow cancels.
class CancelActivity {
 public:
  Task<std::string> run(std::string activity, std::string argument, std::optional<How> how) {
    How usual;
    usual.start_to_close_ms = 60'000;
    usual.heartbeat_ms = 500;
    const How chosen = how.value_or(usual);  // options hold views of it
    auto options = options_of(chosen);
    options.on_cancel = temporal::OnCancel::wait_completed;
    auto running = workflow::execute_activity<Payload>(activity, options, argument);
    co_await workflow::wait_condition([this] { return cancel_; });
    running.cancel();
    try {
      const auto result = co_await running;
      co_return "completed: " + result.data;
    } catch (const temporal::ActivityError& error) {
      if (auto* cancelled = dynamic_cast<const temporal::Cancelled*>(error.cause().get()))
        co_return "cancelled: " + temporal::from_payload<std::string>(cancelled->details().at(0));
      throw;
    }
  }
  void cancel_it() { cancel_ = true; }

 private:
  bool cancel_ = false;
};

class Mailbox {
 public:
  Task<std::vector<std::string>> run() {
    co_await workflow::wait_condition([this] { return closed_; });
    co_return letters_;
  }
  void post(std::string letter) { letters_.push_back(letter); }
  void close() { closed_ = true; }

 private:
  std::vector<std::string> letters_;
  bool closed_ = false;
};

// True when the signal came before the timeout.
class Patience {
 public:
  Task<bool> run(int ms) {
    co_return co_await workflow::wait_condition([this] { return come_; }, milliseconds(ms));
  }
  void come() { come_ = true; }

 private:
  bool come_ = false;
};

struct Countdown {
  Task<std::string> run(int from) {
    co_await workflow::sleep(1ms);
    if (from > 0) workflow::continue_as_new<Countdown>({}, from - 1);
    co_return "lift off";
  }
};

struct Fan {
  Task<std::vector<std::string>> run(int count) {
    std::vector<workflow::Future<std::string>> greetings;
    for (int i = 0; i < count; ++i) {
      auto name = std::to_string(i);
      greetings.push_back(workflow::execute_activity<std::string>(
          "say_hello", {.start_to_close_timeout = 30s}, name));
    }
    co_return co_await workflow::all(std::move(greetings));
  }
};

struct Spin {
  Task<> run() { co_await go_round(); }
  static Task<> go_round() {
    spin_for_ever();
    co_return;
  }
  static void spin_for_ever() {
    for (volatile bool on = true; on;) {
    }
  }
};

struct ThrowError {
  Task<void> run() {
    throw std::runtime_error("a bug, to be corrected");
    co_return;
  }
};

struct ThrowFailure {
  Task<void> run() {
    throw temporal::ApplicationError("sold out", {.type = "SoldOut"},
                                     {temporal::to_payload(std::string("tea"))});
    co_return;
  }
};

void workflows(temporal::Module& m) {
  m.workflow<Call>();
  m.workflow<ExpectNumber>();
  m.workflow<SleepThenCall>();
  m.workflow<SleepLong>();
  m.workflow<CancelActivity>().signal<&CancelActivity::cancel_it>();
  m.workflow<Mailbox>().signal<&Mailbox::post>().signal<&Mailbox::close>();
  m.workflow<Patience>().signal<&Patience::come>();
  m.workflow<Countdown>();
  m.workflow<Fan>();
  m.workflow<Spin>();
  m.workflow<ThrowError>();
  m.workflow<ThrowFailure>();
}
TEMPORAL_EXPORT_MODULE(workflows);
