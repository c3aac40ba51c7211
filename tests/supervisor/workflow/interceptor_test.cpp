// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/supervisor/workflow/engine_test_support.hpp"

using namespace temporal;
using namespace temporal::testing;
using namespace std::chrono_literals;

namespace interceptor_workflows {

std::string header(const workflow::Call& call) {
  const auto found = call.headers.find("trace");
  return found == call.headers.end() ? "none" : from_payload<std::string>(found->second);
}

// Tells what passes by, and carries a header from what comes in to what goes out.
class Teller final : public workflow::Interceptor {
 public:
  explicit Teller(std::string name) : name_(std::move(name)) {}

  Task<Payload> execute(workflow::Call call, const Next<Task<Payload>>& next) override {
    trace_ = header(call);
    note(name_ + " execute " + call.name);
    auto result = co_await next(std::move(call));
    note(name_ + " executed");
    co_return result;
  }
  Task<void> handle_signal(workflow::Call call, const Next<Task<void>>& next) override {
    note(name_ + " signal " + call.name + " " + header(call));
    call.arguments.at(0) = to_payload(from_payload<int>(call.arguments.at(0)) + 1);
    co_await next(std::move(call));
    note(name_ + " signalled");
  }
  Payload handle_query(workflow::Call call, const Next<Payload>& next) override {
    const auto said = header(call);
    return to_payload(name_ + "(" + said + from_payload<std::string>(next(std::move(call))) + ")");
  }
  void validate_update(workflow::Call call, const Next<void>& next) override {
    note(name_ + " validate " + header(call));
    if (from_payload<int>(call.arguments.at(0)) > 100) throw std::invalid_argument("too much");
    next(std::move(call));
  }
  Task<Payload> handle_update(workflow::Call call, const Next<Task<Payload>>& next) override {
    const auto result = co_await next(std::move(call));
    co_return to_payload(from_payload<int>(result) * 10);
  }
  void execute_activity(workflow::Call& call, ActivityOptions& options) override {
    call.headers["trace"] = to_payload(trace_ + name_);
    trace_ += name_;
    options.heartbeat_timeout = 7s;
  }
  void execute_local_activity(workflow::Call& call, LocalActivityOptions&) override {
    call.headers["trace"] = to_payload(trace_);
  }
  void start_child(workflow::Call& call, ChildOptions& options) override {
    call.headers["trace"] = to_payload(trace_);
    call.name = "Other" + call.name;
    id_ = "id of " + name_;
    options.id = id_;
  }
  void signal_workflow(std::string_view workflow_id, workflow::Call& call) override {
    note(name_ + " signals " + std::string(workflow_id));
    call.headers["trace"] = to_payload(trace_);
  }
  void cancel_workflow(std::string_view workflow_id, std::string_view reason) override {
    note(name_ + " cancels " + std::string(workflow_id) + " " + std::string(reason));
  }
  void continue_as_new(workflow::Call& call, ContinueOptions& options) override {
    call.headers["trace"] = to_payload(trace_);
    options.run_timeout = 9s;
  }
  void sleep(Duration& duration, TimerOptions&) override { duration *= 2; }

 private:
  std::string name_, trace_ = "?", id_;
};

class Guarded {
 public:
  Task<std::string> run() {
    note("run");
    co_await workflow::wait_condition([this] { return sum_ > 0; });
    note("sum " + std::to_string(sum_));
    co_return std::to_string(sum_);
  }
  void add(int number) { sum_ += number; }
  std::string said() const { return "said"; }
  int twice(int number) { return 2 * number; }

 private:
  int sum_ = 0;
};

class Outgoing {
 public:
  Task<void> run() {
    auto activity = workflow::execute_activity("work", {.start_to_close_timeout = 5s}, 1);
    auto local = workflow::execute_local_activity("quick", {.start_to_close_timeout = 5s}, 2);
    auto child = workflow::execute_child("Child", {}, 3);
    auto signal = workflow::external("other").signal("hello", 4);
    auto timer = workflow::sleep(5s);
    auto cancel = workflow::external("third").cancel("enough");
    co_await workflow::wait_condition([] { return false; }, 3s);
  }
};

class Continues {
 public:
  Task<void> run() {
    workflow::continue_as_new("Continues", {});
    co_return;
  }
};

class Unmade final : public workflow::Interceptor {
 public:
  Unmade() { throw std::runtime_error("no such tracer"); }
};

void guarded(Module& m) {
  m.workflow<Guarded>().signal<&Guarded::add>().query<&Guarded::said>().update<&Guarded::twice>();
  m.workflow<Outgoing>();
  m.workflow<Continues>();
  m.intercept_workflows<Teller>("a");
  m.intercept_workflows<Teller>("b");
}

void put_trace(google::protobuf::Map<std::string, api::common::v1::Payload>* fields,
               const char* value) {
  to_proto(to_payload(std::string(value)), &(*fields)["trace"]);
}

HistoryBuilder begun(const std::string& type) {
  HistoryBuilder h(type);
  put_trace(h.at(1)
                .mutable_workflow_execution_started_event_attributes()
                ->mutable_header()
                ->mutable_fields(),
            "t");
  return h;
}

std::string trace_of(const api::common::v1::Header& header) {
  const auto found = header.fields().find("trace");
  return found == header.fields().end() ? "none"
                                        : from_payload<std::string>(from_proto(found->second));
}

}  // namespace interceptor_workflows

using namespace interceptor_workflows;

TEST_CASE("B032 G015 interceptors are around run() and handlers, in the order they were added") {
  const TestModule module(guarded);
  auto h = begun("Guarded");
  h.task_scheduled();
  h.signaled("add", 1);
  put_trace(h.last()
                .mutable_workflow_execution_signaled_event_attributes()
                ->mutable_header()
                ->mutable_fields(),
            "s");
  h.task_started();
  Run run(module, "Guarded");
  const auto outcome = run.task(h.history());
  CHECK(failure_of(outcome).empty());
  CHECK(trace() == Lines{"a signal add s", "b signal add s", "b signalled", "a signalled",
                         "a execute Guarded", "b execute Guarded", "run", "sum 3", "b executed",
                         "a executed"});
  CHECK(replayed(module, h) == "ok");
}

TEST_CASE("B032 a query passes them on its way in and out, and they see its header") {
  const TestModule module(guarded);
  auto h = begun("Guarded");
  h.task();
  Run run(module, "Guarded");
  (void)run.task(h.history());
  engine::Query query{"q", "said", {}, {{"trace", to_payload(std::string("q "))}}};
  const auto answer = run->answer(query);
  REQUIRE(answer.answer);
  CHECK(from_payload<std::string>(*answer.answer) == "a(q b(q said))");
}

TEST_CASE(
    "G015 an interceptor is around an update's handler, and may refuse it before it is accepted") {
  const TestModule module(guarded);
  auto h = begun("Guarded");
  h.task();
  Run run(module, "Guarded");
  auto fine = update("u1", "twice", 4);
  put_trace(fine.request.mutable_input()->mutable_header()->mutable_fields(), "u");
  const auto outcome = run.task(h.history(), {fine, update("u2", "twice", 101)});
  CHECK(messages_of(outcome) == Lines{"u1 accepted", "u1 completed 800", "u2 rejected too much"});
  CHECK(trace().front() == "a validate u");
}

TEST_CASE(
    "B032 what goes out carries the headers that interceptors gave it, and what else they "
    "changed") {
  const TestModule module(guarded);
  auto h = begun("Outgoing");
  h.task();
  Run run(module, "Outgoing");
  const auto outcome = run.task(h.history());
  REQUIRE(failure_of(outcome).empty());
  REQUIRE(outcome.commands.size() == 6);
  const auto& activity = outcome.commands[0].schedule_activity_task_command_attributes();
  CHECK(trace_of(activity.header()) == "tb");
  CHECK(activity.heartbeat_timeout().seconds() == 7);
  REQUIRE(outcome.local_calls.size() == 1);
  CHECK(trace_of(outcome.local_calls[0].header) == "tb");
  const auto& child = outcome.commands[1].start_child_workflow_execution_command_attributes();
  CHECK(trace_of(child.header()) == "tb");
  CHECK(child.workflow_type().name() == "OtherOtherChild");
  CHECK(child.workflow_id() == "id of b");
  CHECK(trace_of(
            outcome.commands[2].signal_external_workflow_execution_command_attributes().header()) ==
        "tb");
  CHECK(outcome.commands[3].start_timer_command_attributes().start_to_fire_timeout().seconds() ==
        20);
  CHECK(outcome.commands[5].start_timer_command_attributes().start_to_fire_timeout().seconds() ==
        12);
  CHECK(contains(testing::trace().back(), "b cancels third enough"));
}

TEST_CASE("B032 the next run gets the headers that interceptors give it, and no others") {
  const TestModule module(guarded);
  auto h = begun("Continues");
  h.task();
  Run run(module, "Continues");
  const auto outcome = run.task(h.history());
  REQUIRE(outcome.commands.size() == 1);
  const auto& next = outcome.commands[0].continue_as_new_workflow_execution_command_attributes();
  CHECK(trace_of(next.header()) == "t");
  CHECK(next.workflow_run_timeout().seconds() == 9);
}

TEST_CASE("an interceptor that cannot be made fails the task, and says why") {
  const TestModule module([](Module& m) {
    m.workflow<Guarded>();
    m.intercept_workflows<Unmade>();
  });
  HistoryBuilder h("Guarded");
  h.task();
  Run run(module, "Guarded");
  CHECK(contains(failure_of(run.task(h.history())), "no such tracer"));
}

TEST_CASE("interceptors of workflows are of their module only") {
  const TestModule module([](Module& m) {
    m.set_origin("first");
    m.intercept_workflows<Teller>("a");
    m.set_origin("second");
    m.workflow<Guarded>().signal<&Guarded::add>();
  });
  HistoryBuilder h("Guarded");
  h.task_scheduled();
  h.signaled("add", 1);
  h.task_started();
  Run run(module, "Guarded");
  (void)run.task(h.history());
  CHECK(testing::trace() == Lines{"run", "sum 1"});
}
