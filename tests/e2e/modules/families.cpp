// SPDX-License-Identifier: MIT
// Parents, their children, and workflows that reach others by id. How a parent starts its child is
// what the test says.
#include <optional>
#include <string>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using temporal::ApplicationError;
using temporal::Task;
namespace workflow = temporal::workflow;

struct Plan {
  std::string id;
  std::string what = "echo";
  std::string task_queue;
  int run_timeout_ms = 0;
  int attempts = 0;
  std::string cron;
  std::string on_cancel = "wait_completed";
  std::string parent_close = "terminate";
  std::string id_reuse = "allow_duplicate";
  std::string reason;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Plan, id, what, task_queue, run_timeout_ms,
                                                attempts, cron, on_cancel, parent_close, id_reuse,
                                                reason)

// Does what it is told: echo, fail, wait (for the signal go, once or twice), linger (a while, once cancelled).
class Kid {
 public:
  Task<std::string> run(std::string what) {
    if (what == "fail") throw ApplicationError("no bread", {.type = "Bad"});
    if (what == "wait for more")
      co_await workflow::wait_condition([this] { return told_.ends_with("late"); });
    if (what == "wait") co_await workflow::wait_condition([this] { return !told_.empty(); });
    if (what == "linger") {
      try {
        co_await workflow::wait_condition([] { return false; });
      } catch (const temporal::Cancelled&) {
        what = "lingered";
      }
      co_await workflow::sleep(50ms);
    }
    co_return told_.empty() ? what : told_;
  }
  void go(std::string word) { told_ += word; }

 private:
  std::string told_;
};

namespace {

template <class Enum>
Enum chosen(const std::string& name, std::initializer_list<std::pair<const char*, Enum>> among) {
  for (const auto& [known, value] : among)
    if (name == known) return value;
  throw ApplicationError("no such choice: " + name);
}

temporal::ChildOptions options_of(const Plan& plan) {
  using temporal::IdReuse, temporal::OnChildCancel, temporal::ParentClose;
  return {.id = plan.id,
          .task_queue = plan.task_queue,
          .run_timeout = milliseconds(plan.run_timeout_ms),
          .retry = {.initial_interval = milliseconds(plan.attempts ? 50 : 0),
                    .maximum_attempts = plan.attempts},
          .cron_schedule = plan.cron,
          .id_reuse = chosen<IdReuse>(
              plan.id_reuse, {{"allow_duplicate", IdReuse::allow_duplicate},
                              {"allow_duplicate_failed_only", IdReuse::allow_duplicate_failed_only},
                              {"reject_duplicate", IdReuse::reject_duplicate}}),
          .parent_close = chosen<ParentClose>(plan.parent_close,
                                              {{"terminate", ParentClose::terminate},
                                               {"abandon", ParentClose::abandon},
                                               {"request_cancel", ParentClose::request_cancel}}),
          .on_cancel = chosen<OnChildCancel>(plan.on_cancel,
                                             {{"wait_completed", OnChildCancel::wait_completed},
                                              {"wait_requested", OnChildCancel::wait_requested},
                                              {"try_cancel", OnChildCancel::try_cancel},
                                              {"abandon", OnChildCancel::abandon}})};
}

// In words, for the test.
std::string told(const temporal::ChildWorkflowError& error) {
  if (dynamic_cast<const temporal::ChildWorkflowAlreadyStartedError*>(&error))
    return "already started: " + error.where().workflow_id;
  const auto* cause = error.cause().get();
  if (temporal::is_cancelled(error)) return "cancelled";
  if (dynamic_cast<const temporal::TimeoutError*>(cause)) return "timed out";
  if (dynamic_cast<const temporal::TerminatedError*>(cause)) return "terminated";
  if (auto* application = dynamic_cast<const ApplicationError*>(cause))
    return application->type() + ": " + application->message();
  return cause ? cause->message() : "no cause";
}

}  // namespace

// The result passes, and so does the failure.
struct Execute {
  Task<std::string> run(Plan plan) {
    co_return co_await workflow::execute_child<Kid>(options_of(plan), plan.what);
  }
};

// The same by name.
struct ExecuteByName {
  Task<temporal::Payload> run(std::string type, Plan plan) {
    co_return co_await workflow::execute_child<temporal::Payload>(type, options_of(plan),
                                                                  plan.what);
  }
};

// How the child ended, in words.
struct Outcome {
  Task<std::string> run(Plan plan) {
    try {
      co_return co_await workflow::execute_child<Kid>(options_of(plan), plan.what);
    } catch (const temporal::ChildWorkflowError& error) {
      co_return told(error);
    }
  }
};

struct Start {
  Task<std::vector<std::string>> run(Plan plan) {
    auto child = co_await workflow::start_child<Kid>(options_of(plan), plan.what);
    auto result = co_await child.result();
    co_return std::vector<std::string>{child.id(), child.run_id(), result};
  }
};

// Is done as soon as its child has started.
struct StartAndLeave {
  Task<std::string> run(Plan plan) {
    auto child = co_await workflow::start_child<Kid>(options_of(plan), plan.what);
    co_return child.run_id();
  }
};

// Cancels its child: in the task that starts it, or once it has started. Stays until it is told to
// leave: the server passes nothing on for a workflow that is over.
class CancelKid {
 public:
  Task<std::string> run(Plan plan, bool at_once) {
    auto outcome = co_await cancel(plan, at_once);
    co_await workflow::wait_condition([this] { return left_; });
    co_return outcome;
  }
  void leave() { left_ = true; }

 private:
  static Task<std::string> cancel(Plan plan, bool at_once) {
    auto started = workflow::start_child<Kid>(options_of(plan), plan.what);
    if (at_once) started.cancel();
    try {
      auto child = co_await started;
      child.cancel(plan.reason);
      co_return co_await child.result();
    } catch (const temporal::ChildWorkflowError& error) {
      co_return told(error);
    }
  }
  bool left_ = false;
};

// One signal is asked for before the child has started, one after.
struct SignalKid {
  Task<std::string> run(Plan plan) {
    auto started = workflow::start_child<Kid>(options_of(plan), "wait for more");
    auto early = workflow::spawn(send(started, "early "));
    auto child = co_await started;
    co_await early;
    co_await child.signal("go", "late");
    co_return co_await child.result();
  }
  static Task<> send(workflow::Future<workflow::Child<std::string, Kid>> started,
                     std::string word) {
    auto child = co_await started;
    co_await child.signal<&Kid::go>(word);
  }
};

struct ManyKids {
  Task<int> run(int count) {
    std::vector<workflow::Future<std::string>> kids;
    for (int i = 0; i < count; ++i)
      kids.push_back(workflow::execute_child<Kid>({}, std::to_string(i)));
    int sum = 0;
    for (const auto& text : co_await workflow::all(kids)) sum += std::stoi(text);
    co_return sum;
  }
};

// With what only an object can hold.
struct Described {
  Task<std::string> run(std::string id) {
    const temporal::Memo memo = temporal::Memo().set("note", "from the parent");
    const temporal::SearchAttributes attributes(temporal::KeywordKey{"FamilyName"}.set("Lovelace"));
    co_return co_await workflow::execute_child<Kid>({.id = id,
                                                     .retry = {.maximum_attempts = 2},
                                                     .memo = &memo,
                                                     .search_attributes = &attributes,
                                                     .priority = {.key = 1},
                                                     .summary = "a kid",
                                                     .details = "with details"},
                                                    "echo");
  }
};

struct SignalOther {
  Task<std::string> run(std::string id, std::string word) {
    try {
      co_await workflow::external(id).signal<&Kid::go>(word);
    } catch (const temporal::ExternalWorkflowError& error) {
      co_return error.what();
    }
    co_return "signalled";
  }
};

struct CancelOther {
  Task<std::string> run(std::string id, std::string reason) {
    try {
      co_await workflow::external(id).cancel(reason);
    } catch (const temporal::ExternalWorkflowError& error) {
      co_return error.what();
    }
    co_return "asked";
  }
};

// Draws before and after its child, which a reset may come between.
class Resettable {
 public:
  Task<std::vector<std::string>> run(std::string kid) {
    const auto first = workflow::uuid4();
    auto child = co_await workflow::start_child<Kid>({.id = kid}, "wait");
    co_await workflow::wait_condition([this] { return go_; });
    const auto second = workflow::uuid4();
    co_await workflow::sleep(1ms);
    const auto told = co_await child.result();
    co_return std::vector<std::string>{first, second, told};
  }
  void go() { go_ = true; }

 private:
  bool go_ = false;
};

void families(temporal::Module& m) {
  m.workflow<Kid>().signal<&Kid::go>();
  m.workflow<Execute>();
  m.workflow<ExecuteByName>();
  m.workflow<Outcome>();
  m.workflow<Start>();
  m.workflow<StartAndLeave>();
  m.workflow<CancelKid>().signal<&CancelKid::leave>();
  m.workflow<SignalKid>();
  m.workflow<ManyKids>();
  m.workflow<Described>();
  m.workflow<SignalOther>();
  m.workflow<CancelOther>();
  m.workflow<Resettable>().signal<&Resettable::go>();
}
TEMPORAL_EXPORT_MODULE(families);
