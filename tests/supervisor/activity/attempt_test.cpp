// SPDX-License-Identifier: MIT
#include "supervisor/activity/attempt.hpp"

#include <doctest/doctest.h>

#include <boost/asio/detached.hpp>

#include "tests/supervisor/activity/attempts.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using namespace temporal::supervisor;
using namespace temporal::test;

namespace {

using Answers = std::vector<std::string>;

}  // namespace

TEST_CASE("what the activity returned is reported, under its token and our name") {
  AttemptWorld world;
  world.end({Returned{payloads("done")}});
  CHECK(world.over);
  CHECK(world.service.answers == Answers{"completed token"});
  const auto& request = world.service.completed.at(0);
  CHECK(text_of(request.result()) == "done");
  CHECK(request.namespace_() == "shop");
  CHECK(request.identity() == "1@host");
}

TEST_CASE("a cancellation that was asked for and thrown is Canceled, with its details") {
  AttemptWorld world;
  world.attempt->cancel(CancelReason::requested);
  world.end({ThrewCancelled{payloads("half")}});
  CHECK(world.service.answers == Answers{"canceled token"});
  CHECK(text_of(world.service.canceled.at(0).details()) == "half");
}

TEST_CASE("a cancellation for the worker's or an operator's sake is a failure to be retried") {
  const std::vector<std::pair<CancelReason, std::string>> rows{
      {CancelReason::paused, "ActivityPause"},
      {CancelReason::reset, "ActivityReset"},
      {CancelReason::worker_shutdown, "WorkerShutdown"}};
  for (const auto& [reason, type] : rows) {
    CAPTURE(type);
    AttemptWorld world;
    world.attempt->cancel(reason);
    CHECK(world.activity().cancels == std::vector{reason});
    world.end({ThrewCancelled{}});
    CHECK(world.service.answers == Answers{"failed token"});
    CHECK(failure_type(world) == type);
    CHECK_FALSE(failure_of(world).application_failure_info().non_retryable());
  }
}

TEST_CASE("what the server has given up is answered by nobody") {
  for (auto reason : {CancelReason::timed_out, CancelReason::gone}) {
    for (auto ending : {Ending{ThrewCancelled{}}, Ending{Returned{}},
                        Ending{threw(std::runtime_error("late"))}}) {
      AttemptWorld world;
      world.attempt->cancel(reason);
      world.end(ending);
      CHECK(world.over);
      CHECK(world.service.answers.empty());
    }
  }
}

TEST_CASE("a cancellation nobody asked for is a failure, with what it carried") {
  AttemptWorld world;
  world.end({ThrewCancelled{payloads("half")}});
  CHECK(world.service.answers == Answers{"failed token"});
  CHECK(failure_type(world) == "temporal::Cancelled");
  CHECK(text_of(failure_of(world).application_failure_info().details()) == "half");
}

TEST_CASE("an activity that is completed elsewhere is answered elsewhere") {
  AttemptWorld world;
  world.end({CompletesLater{}});
  CHECK(world.over);
  CHECK(world.service.answers.empty());
}

TEST_CASE("an exception is a failure with its type; so is a dead child") {
  AttemptWorld world;
  world.end({threw(ApplicationError("no funds", {.type = "Declined", .non_retryable = true}))});
  CHECK(world.service.answers == Answers{"failed token"});
  CHECK(failure_type(world) == "Declined");
  CHECK(failure_of(world).message() == "no funds");
  CHECK(failure_of(world).application_failure_info().non_retryable());
}

// The real server refuses any other kind, and the attempt would hang until its timeout.
TEST_CASE("a failure that is no application failure is wrapped in one") {
  const auto type_of = [](const auto& thrown) {
    AttemptWorld world;
    world.end({threw(thrown)});
    CHECK(failure_of(world).message() == thrown.message());
    CHECK(failure_of(world).cause().failure_info_case() ==
          threw(thrown).failure.failure_info_case());
    return failure_type(world);
  };
  CHECK(type_of(TimeoutError("slow", TimeoutKind::heartbeat)) == "temporal::TimeoutError");
  CHECK(type_of(TerminatedError("gone")) == "temporal::TerminatedError");
  CHECK(type_of(ServerError("busy", false)) == "temporal::ServerError");
  CHECK(type_of(ActivityError("m", {}, nullptr)) == "temporal::ActivityError");
  CHECK(type_of(ChildWorkflowError("m", {}, nullptr)) == "temporal::ChildWorkflowError");
  CHECK(type_of(Cancelled("m")) == "temporal::Cancelled");
  CHECK(type_of(Failure("plain")) == "temporal::Failure");

  AttemptWorld world;
  world.end({threw(ServerError("never", true))});
  CHECK(failure_of(world).application_failure_info().non_retryable());
}

TEST_CASE("a value that is returned although a cancellation came counts") {
  for (auto reason :
       {CancelReason::requested, CancelReason::paused, CancelReason::worker_shutdown}) {
    AttemptWorld world;
    world.attempt->cancel(reason);
    world.end({Returned{payloads("done")}});
    CHECK(world.service.answers == Answers{"completed token"});
  }
}

TEST_CASE("E011 the first reason to stop counts") {
  AttemptWorld world;
  world.attempt->cancel(CancelReason::paused);
  world.attempt->cancel(CancelReason::requested);
  CHECK(world.activity().cancels == std::vector{CancelReason::paused});
  world.end({ThrewCancelled{}});
  CHECK(failure_type(world) == "ActivityPause");
}

TEST_CASE("a task that nobody here can run is refused once") {
  AttemptWorld world;
  Attempt other(world.settings, activity_task("other"));
  boost::asio::co_spawn(world.loop, other.refuse(threw(std::runtime_error("no")).failure),
                        boost::asio::detached);
  settle(world.loop);
  CHECK(world.service.answers == Answers{"failed other"});
}

TEST_CASE("a result larger than the server takes is a failure that says so") {
  AttemptWorld world;
  world.settings.blob_limit = 1000;
  world.end({Returned{payloads(std::string(1001, 'x'))}});
  CHECK(world.service.answers == Answers{"failed token"});
  CHECK(failure_type(world) == "PayloadTooLarge");
  CHECK(failure_of(world).application_failure_info().non_retryable());
  CHECK(failure_of(world).message().find("1000 bytes") != std::string::npos);
}

// A server that was asked for more would not answer at all, and the attempt would hang.
TEST_CASE("details that are more than the server takes are left out, and the failure says so") {
  AttemptWorld world;
  world.settings.blob_limit = 1000;
  const auto cause =
      std::make_shared<ApplicationError>("the cause", ApplicationErrorOptions{.type = "Cause"},
                                         Payloads{to_payload(std::string(900, 'y'))});
  world.end({threw(ApplicationError("too much", {.type = "Declined", .non_retryable = true},
                                    {to_payload(std::string(900, 'x'))}, cause))});
  CHECK(world.service.answers == Answers{"failed token"});
  const auto& failure = failure_of(world);
  CHECK(failure_type(world) == "Declined");
  CHECK(failure.application_failure_info().non_retryable());
  CHECK(failure.message().starts_with("too much (details of 18"));
  CHECK(failure.message().find("store them elsewhere") != std::string::npos);
  CHECK(failure.application_failure_info().details().payloads().empty());
  CHECK(failure.cause().message() == "the cause");
  CHECK(failure.ByteSizeLong() < 1000);

  AttemptWorld cancelled;
  cancelled.settings.blob_limit = 1000;
  cancelled.attempt->cancel(CancelReason::requested);
  cancelled.end({ThrewCancelled{payloads(std::string(1001, 'x'))}});
  CHECK(cancelled.service.answers == Answers{"canceled token"});
  CHECK(text_of(cancelled.service.canceled.at(0).details()).starts_with("details of 10"));
}

TEST_CASE("a failure that the server refuses is sent once more, without details") {
  for (auto code : {RpcCode::invalid_argument, RpcCode::resource_exhausted}) {
    AttemptWorld world;
    int calls = 0;
    world.service.before = [&](std::string_view rpc) {
      if (rpc == "RespondActivityTaskFailed" && ++calls == 1)
        refuse(code, "grpc: received message larger than max (5 vs. 4)");
    };
    world.activity().beat("unsent");
    world.end({threw(ApplicationError("no", {.type = "Declined"}, {to_payload(7)}))});
    CHECK(world.service.answers == Answers{"failed token", "failed token"});
    CHECK(failure_type(world) == "Declined");
    CHECK(failure_of(world).message().find("left out") != std::string::npos);
    CHECK_FALSE(world.service.failed.at(0).has_last_heartbeat_details());
  }
  AttemptWorld bare;  // nothing could be left out of it
  bare.service.before = [&](std::string_view) { refuse(RpcCode::invalid_argument, "odd"); };
  bare.end({threw(ApplicationError("no", {.type = "Declined"}))});
  CHECK(bare.service.answers == Answers{"failed token"});
  AttemptWorld busy;  // it is not about the size
  busy.service.before = [&](std::string_view) { refuse(RpcCode::resource_exhausted, "throttled"); };
  busy.end({threw(ApplicationError("no", {.type = "Declined"}, {to_payload(7)}))});
  CHECK(busy.service.answers == Answers{"failed token"});
}

TEST_CASE("a result that the server refuses is still answered for") {
  AttemptWorld world;
  world.service.before = [](std::string_view rpc) {
    if (rpc == "RespondActivityTaskCompleted") refuse(RpcCode::invalid_argument, "odd result");
  };
  world.end({Returned{payloads("odd")}});
  CHECK(world.service.answers == Answers{"completed token", "failed token"});
  CHECK(failure_type(world) == "ResultRefused");
}

TEST_CASE("E017 an answer for a task the server has forgotten ends the attempt quietly") {
  const auto benign = ApplicationError("x", {.benign = true});
  for (auto ending : {Ending{Returned{}}, Ending{ThrewCancelled{}}, Ending{threw(benign)}}) {
    AttemptWorld world;
    world.attempt->cancel(CancelReason::requested);
    world.service.before = [](std::string_view) { refuse(RpcCode::not_found, "no such task"); };
    world.end(ending);
    CHECK(world.over);
    CHECK(world.service.answers.size() == 1);
    CHECK(world.log.count(LogLevel::info) == 0);
  }
}

TEST_CASE(
    "E020 a value that comes after start-to-close is refused by the server, and that is all") {
  auto task = activity_task("token");
  to_proto(60s, task.mutable_start_to_close_timeout());
  AttemptWorld world(task);
  world.service.before = [](std::string_view) { refuse(RpcCode::not_found, "it timed out"); };
  world.clock.advance(61s);  // the server has given it up, the worker not yet
  CHECK(world.activity().cancels.empty());
  world.end({Returned{payloads("late")}});
  CHECK(world.over);
  CHECK(world.service.answers == Answers{"completed token"});
  CHECK(world.log.count(LogLevel::info) == 0);
  world.clock.advance(1h);
  CHECK(world.activity().terminations == 0);
}

TEST_CASE("an expected failure is logged at debug only") {
  AttemptWorld world;
  world.end({threw(ApplicationError("not yet", {.type = "Pending", .benign = true}))});
  CHECK(world.service.answers == Answers{"failed token"});
  CHECK(world.log.count(LogLevel::info) == 0);
  AttemptWorld other;
  other.end({threw(ApplicationError("no", {.type = "Declined"}))});
  CHECK(other.log.count(LogLevel::warn) == 1);
}

TEST_CASE("what was asked before the activity began reaches it when it begins") {
  AttemptWorld world;  // its attempt only lends the settings
  Attempt early(world.settings, activity_task("early"));
  early.notify_shutdown();
  early.cancel(CancelReason::worker_shutdown);
  boost::asio::co_spawn(world.loop, early.run(world.executor), boost::asio::detached);
  settle(world.loop);
  CHECK(world.activity().notices == 1);
  CHECK(world.activity().cancels == std::vector{CancelReason::worker_shutdown});
  world.end({ThrewCancelled{}});
  CHECK(world.service.answers == Answers{"failed early"});
}

TEST_CASE("an executor's own bug is a failure of the attempt, not of the worker") {
  struct Broken final : supervisor::Executor {
    boost::asio::awaitable<Ending> run(const ActivityTask&, Link) override {
      throw std::logic_error("a bug");
      co_return Ending{};
    }
  } broken;
  AttemptWorld world;
  Attempt attempt(world.settings, activity_task("broken"));
  boost::asio::co_spawn(world.loop, attempt.run(broken), boost::asio::detached);
  settle(world.loop);
  CHECK(world.service.answers == Answers{"failed broken"});
  CHECK(failure_type(world) == "std::logic_error");
}
