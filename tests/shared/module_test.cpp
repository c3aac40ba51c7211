// SPDX-License-Identifier: MIT
#include "temporal/module.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "shared/module_loader.hpp"
#include "temporal/workflow.hpp"

using temporal::Module;
using temporal::Task;
namespace activity = temporal::activity;

std::string greet(std::string name) { return "Hello, " + name; }
int count(activity::Context&, int from) noexcept { return from + 1; }
void nothing() {}
boost::asio::awaitable<int> later(int x) { co_return x; }

struct Order {
  Task<std::string> run(std::string id) { co_return id; }
  void pay(int) {}
  Task<> ship() { co_return; }
};
struct Empty {
  Task<> run() { co_return; }
};

namespace {

int hidden() { return 1; }
struct Hidden {
  Task<> run() { co_return; }
  void poke() {}
};

template <class Register>
std::string refusal(Register with) {
  Module module;
  try {
    with(module);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "taken";
}

class NoContext final : public activity::detail::ContextBackend {
 public:
  const activity::Info& info() const override { return info_; }
  void heartbeat(std::string_view, std::string_view) override {}
  void progress() noexcept override {}
  const temporal::Payloads& last_heartbeat() const override { return none_; }
  std::optional<temporal::CancelReason> cancel_reason() const noexcept override {
    return std::nullopt;
  }
  std::stop_token stop_token() override { return {}; }
  bool wait_cancelled(temporal::Duration) override { return false; }
  bool wait_worker_shutdown(temporal::Duration) override { return false; }
  boost::asio::awaitable<bool> async_wait_worker_shutdown(temporal::Duration) override {
    co_return false;
  }
  bool worker_shutdown() const noexcept override { return false; }
  temporal::Logger& log() override { throw std::logic_error("nobody logs here"); }
  temporal::Metrics& metrics() override { throw std::logic_error("nobody measures here"); }

 private:
  activity::Info info_;
  temporal::Payloads none_;
};

}  // namespace

TEST_CASE("AX16 limits are kept with the activity, and refused where nothing could keep them") {
  Module module;
  module.activity<greet>({.limits = {.memory = 1 << 20, .cancel_grace = std::chrono::seconds(1)},
                          .auto_heartbeat = std::chrono::seconds(5)});
  const auto* activity = module.find_activity("greet");
  REQUIRE(activity);
  CHECK(activity->limits.memory == 1 << 20);
  CHECK(activity->limits.cancel_grace == temporal::Duration(std::chrono::seconds(1)));
  CHECK(activity->auto_heartbeat == std::chrono::seconds(5));
  CHECK(refusal([](Module& m) {
          m.activity<greet>({.executor = temporal::Executor::threads, .limits = {.memory = 1}});
        }).find("a process of its own") != std::string::npos);
  CHECK(refusal([](Module& m) {
          m.activity<greet>({.limits = {.cpu_time = std::chrono::seconds(-1)}});
        }).find("below zero") != std::string::npos);
  CHECK(refusal([](Module& m) {
          m.activity<greet>({.limits = {.nice = -1}});
        }).find("below zero") != std::string::npos);
}

TEST_CASE("functions and classes are found under their own names or under those given") {
  Module module;
  module.activity<greet>();
  module.activity<count>({.name = "count-up"});
  module.activity<later>();
  module.activity<hidden>({.name = "seen"});
  module.workflow<Order>().signal<&Order::pay>().signal<&Order::ship>({.name = "send"});
  module.workflow<Empty>({.name = "Void"});
  module.workflow<Hidden>({.name = "Seen"}).signal<&Hidden::poke>({.name = "poke"});

  CHECK(module.activities().size() == 4);
  CHECK_FALSE(module.activities().at("greet").executor);  // where the worker says
  CHECK(module.activities().at("later").executor == temporal::Executor::loop);
  CHECK(module.activities().contains("count-up"));
  CHECK(module.activities().contains("seen"));
  CHECK(module.workflows().at("Order").handlers.signals.by_name.contains("pay"));
  CHECK(module.workflows().at("Order").handlers.signals.by_name.contains("send"));
  CHECK(module.workflows().contains("Void"));
  CHECK(module.workflows().at("Seen").handlers.signals.by_name.contains("poke"));
}

TEST_CASE("options without a name leave the name as it is") {
  Module module;
  module.activity<greet>(temporal::ActivityRegistration{});
  module.activity<later>(temporal::CoroutineRegistration{});
  module.workflow<Order>(temporal::WorkflowRegistration{})
      .signal<&Order::pay>(temporal::SignalRegistration{});
  CHECK(module.activities().contains("greet"));
  CHECK(module.activities().contains("later"));
  CHECK(module.workflows().at("Order").handlers.signals.by_name.contains("pay"));
}

TEST_CASE("a name is taken once") {
  CHECK(refusal([](Module& m) {
          m.activity<greet>();
          m.activity<count>({.name = "greet"});
        }) ==
        "activity 'greet' is registered twice (both times by this program): give one of them "
        "another name");
  CHECK(refusal([](Module& m) {
          m.workflow<Order>();
          m.workflow<Order>();
        }) == "workflow 'Order' is registered twice: give one of them another name");
  CHECK(refusal([](Module& m) {
          m.workflow<Order>().signal<&Order::pay>().signal<&Order::ship>({.name = "pay"});
        }) == "signal 'pay' is registered twice: give one of them another name");
  // An activity and a workflow may share one: they are never asked for in the same place.
  CHECK(refusal([](Module& m) {
          m.activity<greet>({.name = "Order"});
          m.workflow<Order>();
        }) == "taken");
}

TEST_CASE("who decides on patches is asked for once, whichever module says it") {
  Module module;
  module.set_origin("first");
  module.activate_patches([](std::string_view) { return false; });
  module.set_origin("second");
  CHECK_THROWS_WITH_AS(module.activate_patches([](std::string_view) { return true; }),
                       "activate_patches() is called twice (by first and by second): a worker has "
                       "one answer for all its workflows",
                       std::invalid_argument);
  CHECK_FALSE(module.activates_patch()("a"));
}

TEST_CASE("B028 Temporal's own names and no name at all are refused") {
  for (const char* name : {"__temporal_x", "__stack_trace", "__enhanced_stack_trace"}) {
    CAPTURE(name);
    const std::string own = std::string("'") + name + "': this name is one of Temporal's own";
    CHECK(refusal([&](Module& m) { m.activity<greet>({.name = name}); }).find(own) !=
          std::string::npos);
    CHECK(refusal([&](Module& m) { m.workflow<Order>({.name = name}); }).find(own) !=
          std::string::npos);
    CHECK(refusal([&](Module& m) {
            m.workflow<Order>().signal<&Order::pay>({.name = name});
          }).find(own) != std::string::npos);
  }
  CHECK(refusal([](Module& m) { m.activity<hidden>({.name = ""}); }) ==
        "activity was registered without a name and has none of its own");
  CHECK(refusal([](Module& m) { m.workflow<Hidden>({.name = ""}); }) ==
        "workflow was registered without a name and has none of its own");
}

TEST_CASE("an activity is called with decoded arguments, with or without a Context") {
  Module module;
  module.activity<greet>();
  module.activity<count>();
  module.activity<nothing>();
  NoContext backend;
  activity::Context context(backend);
  const auto call = [&](const char* name, temporal::Payloads arguments) {
    return module.activities().at(name).call(context, arguments);
  };
  CHECK(call("greet", {temporal::to_payload("World")}) == temporal::to_payload("Hello, World"));
  CHECK(call("count", {temporal::to_payload(1)}) == temporal::to_payload(2));
  CHECK(call("nothing", {temporal::to_payload("more than it takes")}).encoding() == "binary/null");
  CHECK_THROWS_AS(call("count", {temporal::to_payload("one")}), temporal::DecodeError);
  CHECK_THROWS_AS(call("count", {}), temporal::DecodeError);
}

TEST_CASE("a fingerprint tells what is registered and where it runs, not in which order") {
  Module one, other, more, elsewhere;
  one.activity<greet>();
  one.activity<count>();
  other.activity<count>();
  other.activity<greet>();
  more.activity<greet>();
  more.activity<count>();
  more.workflow<Order>();
  elsewhere.activity<greet>();
  elsewhere.activity<later>({.name = "count"});
  CHECK(temporal::fingerprint(one) == temporal::fingerprint(other));
  CHECK(temporal::fingerprint(one) != temporal::fingerprint(more));
  CHECK(temporal::fingerprint(one) != temporal::fingerprint(elsewhere));
}

TEST_CASE("what another team implements says so when it is called here") {
  try {
    temporal::implemented_elsewhere();
  } catch (const temporal::ApplicationError& error) {
    CHECK(error.type() == "ImplementedElsewhere");
    CHECK(error.non_retryable());
  }
  CHECK_THROWS_AS(temporal::complete_async(), temporal::CompleteAsync);
}

TEST_CASE("workflow functions outside a workflow say where they belong") {
  CHECK_THROWS_AS(temporal::workflow::detail::current(), std::logic_error);
}
