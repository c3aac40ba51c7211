// SPDX-License-Identifier: MIT
#include "shared/failure_proto.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "shared/payload_proto.hpp"
#include "temporal/payload.hpp"

namespace temporal {

namespace {

namespace pb = api::failure::v1;

constexpr std::string_view kCut = "... (cut)";

// At most kMaxFailureMessage bytes of it, and whole UTF-8: a proto string must be.
std::string sendable(std::string_view text) {
  const bool long_text = text.size() > kMaxFailureMessage;
  // Replacing what is not UTF-8 makes it longer, so the length is looked at again.
  auto result =
      nlohmann::json::parse(nlohmann::json(text.substr(0, kMaxFailureMessage))
                                .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
          .get<std::string>();
  if (!long_text && result.size() <= kMaxFailureMessage) return result;
  auto end = std::min(result.size(), kMaxFailureMessage - kCut.size());
  while (end > 0 && (static_cast<unsigned char>(result[end]) & 0xC0) == 0x80) --end;
  result.resize(end);
  return result.append(kCut);
}

std::string message_of(const std::exception& error) {
  const char* text = error.what();
  return text ? sendable({text, ::strnlen(text, kMaxFailureMessage + 1)}) : std::string();
}

// std::throw_with_nested(X(...)) throws an unnamed class derived from X; its name must not reach
// the wire.
std::string type_of(const std::exception& error) {
  auto name = detail::demangled(typeid(error));
  constexpr std::string_view kNested = "std::_Nested_exception<";
  if (name.starts_with(kNested)) {
    name = name.substr(kNested.size(), name.rfind('>') - kNested.size());
    while (!name.empty() && name.back() == ' ') name.pop_back();
  }
  return sendable(name);
}

void fill_info(const Failure& failure, pb::Failure* proto) {
  if (auto* e = dynamic_cast<const ApplicationError*>(&failure)) {
    auto* info = proto->mutable_application_failure_info();
    info->set_type(sendable(e->type()));
    info->set_non_retryable(e->non_retryable());
    if (!e->details().empty()) to_proto(e->details(), info->mutable_details());
    if (e->next_retry_delay() > Duration::zero())
      to_proto(e->next_retry_delay(), info->mutable_next_retry_delay());
    if (e->benign()) info->set_category(api::enums::v1::APPLICATION_ERROR_CATEGORY_BENIGN);
  } else if (auto* e = dynamic_cast<const Cancelled*>(&failure)) {
    auto* info = proto->mutable_canceled_failure_info();
    if (!e->details().empty()) to_proto(e->details(), info->mutable_details());
  } else if (auto* e = dynamic_cast<const TimeoutError*>(&failure)) {
    auto* info = proto->mutable_timeout_failure_info();
    info->set_timeout_type(static_cast<api::enums::v1::TimeoutType>(e->kind()));
    if (!e->last_heartbeat().empty())
      to_proto(e->last_heartbeat(), info->mutable_last_heartbeat_details());
  } else if (dynamic_cast<const TerminatedError*>(&failure)) {
    proto->mutable_terminated_failure_info();
  } else if (auto* e = dynamic_cast<const ServerError*>(&failure)) {
    proto->mutable_server_failure_info()->set_non_retryable(e->non_retryable());
  } else if (auto* e = dynamic_cast<const ActivityError*>(&failure)) {
    auto* info = proto->mutable_activity_failure_info();
    info->set_scheduled_event_id(e->where().scheduled_event_id);
    info->set_started_event_id(e->where().started_event_id);
    info->set_identity(e->where().identity);
    info->mutable_activity_type()->set_name(e->where().activity_type);
    info->set_activity_id(e->where().activity_id);
    info->set_retry_state(static_cast<api::enums::v1::RetryState>(e->where().retry_state));
  } else if (auto* e = dynamic_cast<const ChildWorkflowError*>(&failure)) {
    auto* info = proto->mutable_child_workflow_execution_failure_info();
    info->set_namespace_(e->where().workflow_namespace);
    info->mutable_workflow_execution()->set_workflow_id(e->where().workflow_id);
    info->mutable_workflow_execution()->set_run_id(e->where().run_id);
    info->mutable_workflow_type()->set_name(e->where().workflow_type);
    info->set_initiated_event_id(e->where().initiated_event_id);
    info->set_started_event_id(e->where().started_event_id);
    info->set_retry_state(static_cast<api::enums::v1::RetryState>(e->where().retry_state));
  } else if (typeid(failure) != typeid(Failure)) {  // a user's own kind
    proto->mutable_application_failure_info()->set_type(type_of(failure));
  }
}

void fill(const Failure& failure, pb::Failure* proto, int depth) {
  if (!failure.original().empty()) {
    if (proto->ParseFromString(failure.original())) return;
    proto->Clear();
  }
  proto->set_message(message_of(failure));
  proto->set_source(kFailureSource);
  proto->set_stack_trace(sendable(failure.stack_trace()));
  fill_info(failure, proto);
  if (failure.cause() && depth < kMaxFailureDepth)
    fill(*failure.cause(), proto->mutable_cause(), depth + 1);
}

void fill(std::exception_ptr error, pb::Failure* proto, int depth);

void fill_nested(const std::exception& error, pb::Failure* proto, int depth) {
  auto* nested = dynamic_cast<const std::nested_exception*>(&error);
  if (nested && nested->nested_ptr() && depth < kMaxFailureDepth)
    fill(nested->nested_ptr(), proto->mutable_cause(), depth + 1);
}

void fill(std::exception_ptr error, pb::Failure* proto, int depth) {
  try {
    std::rethrow_exception(error);
  } catch (const Failure& failure) {
    fill(failure, proto, depth);
    if (!failure.cause() && !proto->has_cause()) fill_nested(failure, proto, depth);
  } catch (const std::exception& other) {
    proto->set_message(message_of(other));
    proto->set_source(kFailureSource);
    proto->mutable_application_failure_info()->set_type(type_of(other));
    fill_nested(other, proto, depth);
  } catch (...) {
    proto->set_message("something that is not a std::exception was thrown");
    proto->set_source(kFailureSource);
    proto->mutable_application_failure_info()->set_type("UnknownException");
  }
}

Payloads payloads_if(bool present, const api::common::v1::Payloads& payloads) {
  return present ? from_proto(payloads) : Payloads{};
}

// Calls `use` with the exception object in its most derived type, so that it can be both shared and
// thrown.
template <class Use>
auto with_decoded(const pb::Failure& proto, int depth, Use use) -> decltype(use(Failure{""}));

std::shared_ptr<const Failure> decode(const pb::Failure& proto, int depth) {
  return with_decoded(proto, depth, [](auto failure) -> std::shared_ptr<const Failure> {
    return std::make_shared<const decltype(failure)>(std::move(failure));
  });
}

template <class Use>
auto with_decoded(const pb::Failure& proto, int depth, Use use) -> decltype(use(Failure{""})) {
  std::shared_ptr<const Failure> cause;
  if (proto.has_cause() && depth < kMaxFailureDepth) cause = decode(proto.cause(), depth + 1);
  auto finish = [&](auto failure) {
    failure.set_original(proto.SerializeAsString(), proto.stack_trace());
    return use(std::move(failure));
  };
  switch (proto.failure_info_case()) {
    case pb::Failure::kApplicationFailureInfo: {
      const auto& info = proto.application_failure_info();
      return finish(ApplicationError(
          proto.message(),
          {.type = info.type(),
           .non_retryable = info.non_retryable(),
           .next_retry_delay = from_proto(info.next_retry_delay()),
           .benign = info.category() == api::enums::v1::APPLICATION_ERROR_CATEGORY_BENIGN},
          payloads_if(info.has_details(), info.details()), cause));
    }
    case pb::Failure::kResetWorkflowFailureInfo: {
      const auto& info = proto.reset_workflow_failure_info();
      return finish(ApplicationError(
          proto.message(), {.type = "ResetWorkflow"},
          payloads_if(info.has_last_heartbeat_details(), info.last_heartbeat_details()), cause));
    }
    case pb::Failure::kCanceledFailureInfo: {
      const auto& info = proto.canceled_failure_info();
      return finish(Cancelled(proto.message(), payloads_if(info.has_details(), info.details()),
                              CancelReason::requested, cause));
    }
    case pb::Failure::kTimeoutFailureInfo: {
      const auto& info = proto.timeout_failure_info();
      return finish(TimeoutError(
          proto.message(), static_cast<TimeoutKind>(info.timeout_type()),
          payloads_if(info.has_last_heartbeat_details(), info.last_heartbeat_details()), cause));
    }
    case pb::Failure::kTerminatedFailureInfo:
      return finish(TerminatedError(proto.message(), cause));
    case pb::Failure::kServerFailureInfo:
      return finish(
          ServerError(proto.message(), proto.server_failure_info().non_retryable(), cause));
    case pb::Failure::kActivityFailureInfo: {
      const auto& info = proto.activity_failure_info();
      return finish(ActivityError(proto.message(),
                                  {.activity_type = info.activity_type().name(),
                                   .activity_id = info.activity_id(),
                                   .identity = info.identity(),
                                   .scheduled_event_id = info.scheduled_event_id(),
                                   .started_event_id = info.started_event_id(),
                                   .retry_state = static_cast<RetryState>(info.retry_state())},
                                  cause));
    }
    case pb::Failure::kChildWorkflowExecutionFailureInfo: {
      const auto& info = proto.child_workflow_execution_failure_info();
      return finish(ChildWorkflowError(proto.message(),
                                       {.workflow_namespace = info.namespace_(),
                                        .workflow_id = info.workflow_execution().workflow_id(),
                                        .run_id = info.workflow_execution().run_id(),
                                        .workflow_type = info.workflow_type().name(),
                                        .initiated_event_id = info.initiated_event_id(),
                                        .started_event_id = info.started_event_id(),
                                        .retry_state = static_cast<RetryState>(info.retry_state())},
                                       cause));
    }
    default:
      return finish(Failure(proto.message(), cause));
  }
}

}  // namespace

void to_failure_proto(std::exception_ptr error, pb::Failure* proto) { fill(error, proto, 1); }
void to_failure_proto(const Failure& failure, pb::Failure* proto) { fill(failure, proto, 1); }

std::shared_ptr<const Failure> from_failure_proto(const pb::Failure& proto) {
  return decode(proto, 1);
}

std::exception_ptr exception_from(const pb::Failure& proto) {
  return with_decoded(proto, 1, [](auto failure) { return std::make_exception_ptr(failure); });
}

}  // namespace temporal
