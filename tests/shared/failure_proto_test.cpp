// SPDX-License-Identifier: MIT
#include "shared/failure_proto.hpp"

#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "shared/payload_proto.hpp"

using namespace std::chrono_literals;
using namespace temporal;
using Proto = api::failure::v1::Failure;

namespace bank {

struct Declined : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
struct Limit : std::exception {
  const char* what() const noexcept override { return "over the limit"; }
};

// A kind of failure that only this user has.
class Frozen : public Failure {
 public:
  using Failure::Failure;
};

}  // namespace bank

namespace {

Proto proto_of(const std::function<void()>& thrower) {
  Proto proto;
  try {
    thrower();
  } catch (...) {
    to_failure_proto(std::current_exception(), &proto);
  }
  return proto;
}

// Made here, decoded there, and made again from what was decoded.
template <class Kind>
Kind there_and_back(const Kind& failure) {
  Proto sent;
  to_failure_proto(failure, &sent);
  CHECK(sent.source() == "CppSDK");
  CHECK(sent.message() == failure.message());
  try {
    std::rethrow_exception(exception_from(sent));
  } catch (const Kind& received) {
    CHECK(received.message() == failure.message());
    CHECK(bool(received.cause()) == bool(failure.cause()));
    if (received.cause()) CHECK(received.cause()->message() == failure.cause()->message());
    const auto shared = from_failure_proto(sent);
    CHECK(typeid(*shared) == typeid(Kind));
    Proto again;
    to_failure_proto(received, &again);
    CHECK(again.SerializeAsString() == sent.SerializeAsString());
    return received;
  }
}

std::shared_ptr<const Failure> cause() {
  return std::make_shared<ApplicationError>("the reason", ApplicationErrorOptions{.type = "Why"});
}

int depth_of(const Proto& proto) { return proto.has_cause() ? 1 + depth_of(proto.cause()) : 1; }

}  // namespace

TEST_CASE("every kind of failure keeps what it knows on its way there and back") {
  const Payloads details{to_payload(1), to_payload("two")};

  const auto application = there_and_back(ApplicationError(
      "m", {.type = "Declined", .non_retryable = true, .next_retry_delay = 1500ms, .benign = true},
      details, cause()));
  CHECK(application.type() == "Declined");
  CHECK(application.non_retryable());
  CHECK(application.benign());
  CHECK(application.next_retry_delay() == 1500ms);
  CHECK(application.details() == details);
  CHECK(there_and_back(ApplicationError("m")).type() == "ApplicationError");

  CHECK(there_and_back(Cancelled("m", details, CancelReason::requested, cause())).details() ==
        details);

  const auto timeout = there_and_back(TimeoutError("m", TimeoutKind::heartbeat, details, cause()));
  CHECK(timeout.kind() == TimeoutKind::heartbeat);
  CHECK(timeout.last_heartbeat() == details);

  there_and_back(TerminatedError("m", cause()));
  CHECK(there_and_back(ServerError("m", true, cause())).non_retryable());

  const auto activity =
      there_and_back(ActivityError("m",
                                   {.activity_type = "charge",
                                    .activity_id = "7",
                                    .identity = "1@host",
                                    .scheduled_event_id = std::int64_t{1} << 40,
                                    .started_event_id = 6,
                                    .retry_state = RetryState::maximum_attempts_reached},
                                   cause()));
  CHECK(activity.activity_type() == "charge");
  CHECK(activity.activity_id() == "7");
  CHECK(activity.where().identity == "1@host");
  CHECK(activity.where().scheduled_event_id == std::int64_t{1} << 40);
  CHECK(activity.where().started_event_id == 6);
  CHECK(activity.retry_state() == RetryState::maximum_attempts_reached);

  const auto child = there_and_back(ChildWorkflowError("m",
                                                       {.workflow_namespace = "n",
                                                        .workflow_id = "w",
                                                        .run_id = "r",
                                                        .workflow_type = "t",
                                                        .initiated_event_id = 3,
                                                        .started_event_id = 4,
                                                        .retry_state = RetryState::timeout},
                                                       cause()));
  CHECK(child.where().workflow_namespace == "n");
  CHECK(child.where().workflow_id == "w");
  CHECK(child.where().run_id == "r");
  CHECK(child.where().workflow_type == "t");
  CHECK(child.where().initiated_event_id == 3);
  CHECK(child.where().started_event_id == 4);
  CHECK(child.where().retry_state == RetryState::timeout);

  there_and_back(Failure("m", cause()));
}

TEST_CASE("a failure of another SDK goes on byte for byte, stack traces and unknown fields too") {
  Proto foreign;
  foreign.set_message("boom");
  foreign.set_source("GoSDK");
  foreign.set_stack_trace("main.go:12");
  foreign.mutable_application_failure_info()->set_type("wrapError");
  (*foreign.mutable_encoded_attributes()->mutable_metadata())["encoding"] = "binary/encrypted";
  foreign.mutable_cause()->set_message("root");
  foreign.mutable_cause()->set_stack_trace("root.go:1");
  auto bytes = foreign.SerializeAsString();
  bytes += "\xd2\x3e\x03new";  // field 1002, which no schema of ours knows
  REQUIRE(foreign.ParseFromString(bytes));

  const auto decoded = from_failure_proto(foreign);
  CHECK(decoded->stack_trace() == "main.go:12");
  CHECK(decoded->cause()->stack_trace() == "root.go:1");

  Proto again;
  to_failure_proto(exception_from(foreign), &again);
  CHECK(again.SerializeAsString() == bytes);

  // As the cause of a failure that is made here, it is still what it was.
  to_failure_proto(ApplicationError("ours", {}, {}, decoded), &again);
  CHECK(again.source() == "CppSDK");
  CHECK(again.cause().SerializeAsString() == bytes);
}

TEST_CASE("kinds that have no class of their own are read as the nearest one") {
  Proto reset;
  reset.set_message("m");
  reset.mutable_reset_workflow_failure_info();
  const auto decoded = from_failure_proto(reset);
  const auto* application = dynamic_cast<const ApplicationError*>(decoded.get());
  REQUIRE(application);
  CHECK(application->type() == "ResetWorkflow");

  Proto nexus;
  nexus.set_message("m");
  nexus.mutable_nexus_operation_execution_failure_info()->set_endpoint("e");
  Proto again;
  to_failure_proto(*from_failure_proto(nexus), &again);
  CHECK(again.nexus_operation_execution_failure_info().endpoint() == "e");
}

TEST_CASE("numbers of enums that are not known yet survive") {
  Proto proto;
  proto.mutable_timeout_failure_info()->set_timeout_type(
      static_cast<api::enums::v1::TimeoutType>(9999));
  Proto again;
  to_failure_proto(*from_failure_proto(proto), &again);
  CHECK(int(again.timeout_failure_info().timeout_type()) == 9999);
}

TEST_CASE("any other exception has the name of its class as type") {
  const auto proto = proto_of([] { throw bank::Declined("no funds"); });
  CHECK(proto.message() == "no funds");
  CHECK(proto.source() == "CppSDK");
  CHECK(proto.application_failure_info().type() == "bank::Declined");
  CHECK_FALSE(proto.application_failure_info().non_retryable());
  CHECK(proto_of([] { throw std::out_of_range("x"); }).application_failure_info().type() ==
        "std::out_of_range");
  CHECK(proto_of([] { throw bank::Limit<std::string>(); }).application_failure_info().type() ==
        "bank::Limit<std::string>");
}

TEST_CASE("a user's own kind of failure is an application failure of that type") {
  const auto proto = proto_of([] { throw bank::Frozen("cold", cause()); });
  CHECK(proto.message() == "cold");
  CHECK(proto.application_failure_info().type() == "bank::Frozen");
  CHECK(proto.cause().message() == "the reason");
}

TEST_CASE("nested exceptions are causes, under their own names") {
  const auto proto = proto_of([] {
    try {
      try {
        throw 42;
      } catch (...) {
        std::throw_with_nested(bank::Declined("no funds"));
      }
    } catch (...) {
      std::throw_with_nested(ApplicationError("order failed", {.type = "Order"}));
    }
  });
  CHECK(proto.message() == "order failed");
  CHECK(proto.application_failure_info().type() == "Order");
  CHECK(proto.cause().message() == "no funds");
  CHECK(proto.cause().application_failure_info().type() == "bank::Declined");
  CHECK(proto.cause().cause().application_failure_info().type() == "UnknownException");
  CHECK(depth_of(proto) == 3);
}

TEST_CASE("what is no exception at all is an UnknownException") {
  const auto proto = proto_of([] { throw 42; });
  CHECK(proto.application_failure_info().type() == "UnknownException");
  CHECK_FALSE(proto.message().empty());
}

TEST_CASE("a message of any size is sent as 10 KB of whole characters") {
  const std::string euros = [] {
    std::string text;
    while (text.size() < (100u << 20)) text += "\xe2\x82\xac";
    return text;
  }();
  for (const auto* prefix : {"", "x", "xy"}) {
    const auto proto = proto_of([&] { throw std::runtime_error(prefix + euros); });
    CHECK(proto.message().size() <= kMaxFailureMessage);
    CHECK(proto.message().size() > kMaxFailureMessage - 20);
    CHECK(proto.message().ends_with("\xe2\x82\xac... (cut)"));
  }
  const std::string whole(kMaxFailureMessage, 'x');
  CHECK(proto_of([&] { throw std::runtime_error(whole); }).message() == whole);
  CHECK(proto_of([&] { throw std::runtime_error(whole + "x"); }).message().size() ==
        kMaxFailureMessage);
}

TEST_CASE("text that is not UTF-8 becomes text that is, within the same bound") {
  const auto proto = proto_of([] { throw std::runtime_error("caf\xe9!"); });
  CHECK(proto.message() == "caf\xef\xbf\xbd!");
  CHECK(proto_of([] { throw ApplicationError("m", {.type = "\xff"}); })
            .application_failure_info()
            .type() == "\xef\xbf\xbd");
  const auto all_wrong =
      proto_of([] { throw std::runtime_error(std::string(kMaxFailureMessage, '\xff')); });
  CHECK(all_wrong.message().size() <= kMaxFailureMessage);
}

TEST_CASE("a chain of causes is followed to a depth, and no further") {
  std::shared_ptr<const Failure> chain;
  for (int i = 0; i < 5'000; ++i)
    chain = std::make_shared<ApplicationError>("m", ApplicationErrorOptions{}, Payloads{}, chain);
  Proto proto;
  to_failure_proto(*chain, &proto);
  CHECK(depth_of(proto) == kMaxFailureDepth);

  const std::function<void(int)> nest = [&](int depth) {
    try {
      if (depth == 0) throw bank::Declined("root");
      nest(depth - 1);
    } catch (...) {
      std::throw_with_nested(bank::Declined("m"));
    }
  };
  CHECK(depth_of(proto_of([&] { nest(100); })) == kMaxFailureDepth);

  Proto deep;
  auto* end = &deep;
  for (int i = 0; i < 80; ++i) end = end->mutable_cause();
  int decoded = 0;
  for (auto failure = from_failure_proto(deep); failure; failure = failure->cause()) ++decoded;
  CHECK(decoded == kMaxFailureDepth);
}

TEST_CASE("a cancellation is known through the activity or child that ended by it") {
  const auto cancelled = std::make_shared<Cancelled>();
  CHECK(is_cancelled(*cancelled));
  CHECK(is_cancelled(ActivityError("m", {}, cancelled)));
  CHECK(is_cancelled(ChildWorkflowError(
      "m", {}, std::make_shared<ActivityError>("m", ActivityError::Where{}, cancelled))));
  CHECK_FALSE(is_cancelled(ApplicationError("m", {}, {}, cancelled)));
  CHECK_FALSE(is_cancelled(ActivityError("m", {}, nullptr)));
}

TEST_CASE("bytes that are no failure do not leak half of one") {
  ApplicationError error("ours", {.type = "Ours"});
  error.set_original("\x0a\x05half", "");
  Proto proto;
  to_failure_proto(error, &proto);
  CHECK(proto.message() == "ours");
  CHECK(proto.application_failure_info().type() == "Ours");
}
