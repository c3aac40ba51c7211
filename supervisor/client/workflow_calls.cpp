// SPDX-License-Identifier: MIT
#include "supervisor/client/workflow_calls.hpp"

#include <google/protobuf/descriptor.h>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "shared/failure_proto.hpp"
#include "shared/options_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/api/errordetails/v1/message.pb.h"
#include "temporal/errors.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;

namespace {

void set_if(Duration duration,
            google::protobuf::Duration* (ws::StartWorkflowExecutionRequest::*field)(),
            ws::StartWorkflowExecutionRequest& request) {
  if (duration > Duration::zero()) to_proto(duration, (request.*field)());
}

[[noreturn]] void refuse(std::string_view type, const char* why) {
  throw ClientError("workflow " + std::string(type) + ": " + why);
}

// A removal, or a clock that runs backwards, is a slip of the caller's.
void check(std::string_view type, const StartOptions& options) {
  constexpr auto kZero = Duration::zero();
  if (options.task_queue.empty())
    throw ClientError(
        "a workflow needs a task queue to be started on: set StartOptions::task_queue");
  if (type.empty()) throw ClientError("a workflow needs a name to be started by");
  if (options.execution_timeout < kZero || options.run_timeout < kZero ||
      options.task_timeout < kZero || options.start_delay < kZero)
    refuse(type, "a timeout must not be negative");
  if (options.id_conflict == IdConflict::terminate_existing &&
      options.id_reuse == IdReuse::reject_duplicate)
    refuse(type,
           "IdConflict::terminate_existing would use an id again, and "
           "IdReuse::reject_duplicate forbids it; choose one");
  if (const char* why = fault_of(options.priority)) refuse(type, why);
  try {
    temporal::check(options.retry, "workflow " + std::string(type));
  } catch (const std::invalid_argument& wrong) {
    throw ClientError(wrong.what());
  }
}

void set_text(std::string_view text,
              api::common::v1::Payload* (api::sdk::v1::UserMetadata::*field)(),
              ws::StartWorkflowExecutionRequest& request) {
  if (!text.empty())
    to_proto(to_payload(std::string(text)), (request.mutable_user_metadata()->*field)());
}

/// Waits for the run's last event; the server answers empty every 20 s.
asio::awaitable<api::history::v1::HistoryEvent> close_event(const Caller& caller,
                                                            detail::ExecutionId execution) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(caller.name_space);
  request.mutable_execution()->set_workflow_id(execution.workflow_id);
  request.mutable_execution()->set_run_id(execution.run_id);
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  request.set_skip_archival(true);
  for (;;) {
    auto reply = co_await caller.service.get_workflow_execution_history(request);
    if (reply.history().events_size() > 0) co_return reply.history().events(0);
    request.set_next_page_token(reply.next_page_token());
  }
}

[[noreturn]] void throw_failed(const detail::ExecutionId& execution, std::string_view how,
                               std::shared_ptr<const Failure> cause) {
  throw WorkflowFailedError("workflow " + execution.workflow_id + " " + std::string(how),
                            std::move(cause));
}

/// A run that is not the last of its chain names the next one.
asio::awaitable<Payload> result_of(const Caller& caller, detail::ExecutionId execution) {
  for (;;) {
    const auto event = co_await close_event(caller, execution);
    std::string next;
    switch (event.event_type()) {
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
        const auto& completed = event.workflow_execution_completed_event_attributes();
        next = completed.new_execution_run_id();
        if (!next.empty()) break;
        co_return completed.result().payloads_size() > 0
            ? from_proto(completed.result().payloads(0))
            : detail::null_payload();
      }
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: {
        const auto& failed = event.workflow_execution_failed_event_attributes();
        next = failed.new_execution_run_id();
        if (next.empty()) throw_failed(execution, "failed", from_failure_proto(failed.failure()));
        break;
      }
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: {
        const auto& canceled = event.workflow_execution_canceled_event_attributes();
        throw_failed(execution, "was cancelled",
                     std::make_shared<Cancelled>("cancelled", from_proto(canceled.details())));
      }
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: {
        const auto& terminated = event.workflow_execution_terminated_event_attributes();
        throw_failed(execution, "was terminated",
                     std::make_shared<TerminatedError>(terminated.reason()));
      }
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: {
        next = event.workflow_execution_timed_out_event_attributes().new_execution_run_id();
        if (next.empty())
          throw_failed(
              execution, "timed out",
              std::make_shared<TimeoutError>("workflow timed out", TimeoutKind::start_to_close));
        break;
      }
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
        next = event.workflow_execution_continued_as_new_event_attributes().new_execution_run_id();
        break;
      default:
        throw ClientError("workflow " + execution.workflow_id +
                          " ended with an event this client does not know: " +
                          enums::EventType_Name(event.event_type()));
    }
    execution.run_id = next;
  }
}

// The two requests have the same fields under other numbers: by name, so that none is forgotten.
void take_over(const google::protobuf::Message& from, google::protobuf::Message& to) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  from.GetReflection()->ListFields(from, &fields);
  for (const auto* field : fields) {
    const auto* same = to.GetDescriptor()->FindFieldByName(field->name());
    if (!same) continue;
    switch (field->cpp_type()) {
      case google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE:
        to.GetReflection()->MutableMessage(&to, same)->CopyFrom(
            from.GetReflection()->GetMessage(from, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_STRING:
        to.GetReflection()->SetString(&to, same, from.GetReflection()->GetString(from, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_ENUM:
        to.GetReflection()->SetEnumValue(&to, same,
                                         from.GetReflection()->GetEnumValue(from, field));
        break;
      default:
        throw std::logic_error("a field of a start is of a kind that is not known here: " +
                               field->name());
    }
  }
}

// What a start that did not happen is told with.
std::string run_in_the_way(const RpcError& error) {
  using Failure = api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure;
  const auto detail = detail_of<Failure>(error);
  return detail && !detail->run_id().empty() ? "run " + detail->run_id() : "a run";
}

}  // namespace

ws::StartWorkflowExecutionRequest start_request(const Caller& caller, std::string_view type,
                                                const StartOptions& options,
                                                const Payloads& arguments) {
  check(type, options);
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_(caller.name_space);
  request.set_identity(caller.identity);
  request.set_request_id(random_uuid());
  request.set_workflow_id(options.id.empty() ? random_uuid() : std::string(options.id));
  request.mutable_workflow_type()->set_name(std::string(type));
  request.mutable_task_queue()->set_name(std::string(options.task_queue));
  to_proto(arguments, request.mutable_input());
  using Request = ws::StartWorkflowExecutionRequest;
  set_if(options.execution_timeout, &Request::mutable_workflow_execution_timeout, request);
  set_if(options.run_timeout, &Request::mutable_workflow_run_timeout, request);
  set_if(options.task_timeout, &Request::mutable_workflow_task_timeout, request);
  set_if(options.start_delay, &Request::mutable_workflow_start_delay, request);
  if (is_set(options.retry)) set_retry_policy(options.retry, request.mutable_retry_policy());
  request.set_workflow_id_reuse_policy(policy_of(options.id_reuse));
  request.set_workflow_id_conflict_policy(policy_of(options.id_conflict));
  request.set_cron_schedule(std::string(options.cron_schedule));
  if (options.memo) set_memo(*options.memo, request.mutable_memo());
  if (options.search_attributes)
    set_search_attributes(*options.search_attributes, request.mutable_search_attributes());
  if (is_set(options.priority)) set_priority(options.priority, request.mutable_priority());
  using Metadata = api::sdk::v1::UserMetadata;
  set_text(options.summary, &Metadata::mutable_summary, request);
  set_text(options.details, &Metadata::mutable_details, request);
  return request;
}

asio::awaitable<detail::ExecutionId> start_workflow(const Caller& caller,
                                                    ws::StartWorkflowExecutionRequest request) {
  detail::ExecutionId execution{request.workflow_id(), {}};
  const auto take = caller.eager ? caller.eager(request.task_queue().name()) : TakeTask();
  request.set_request_eager_execution(take != nullptr);
  try {
    auto reply = co_await caller.service.start_workflow_execution(std::move(request));
    execution.run_id = reply.run_id();
    if (take && reply.has_eager_workflow_task())
      take(std::move(*reply.mutable_eager_workflow_task()));
  } catch (const RpcError& error) {
    if (error.code() == RpcCode::already_exists)
      throw WorkflowAlreadyStartedError("workflow id '" + execution.workflow_id +
                                        "' is in use by " + run_in_the_way(error) +
                                        ", which is not closed, or which StartOptions::id_reuse "
                                        "keeps from being followed; choose "
                                        "another id, or talk to that one by client.handle()");
    throw ClientError(error.what());
  }
  co_return execution;
}

asio::awaitable<detail::Target> signal_with_start(const ClientCaller& caller,
                                                  ws::StartWorkflowExecutionRequest start,
                                                  std::string signal, Payloads arguments) {
  ws::SignalWithStartWorkflowExecutionRequest request;
  take_over(start, request);
  // Here a run that is there is no conflict: it gets the signal.
  if (request.workflow_id_conflict_policy() == enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL)
    request.clear_workflow_id_conflict_policy();
  request.set_signal_name(std::move(signal));
  to_proto(arguments, request.mutable_signal_input());
  try {
    const auto reply =
        co_await caller.client_service.signal_with_start_workflow_execution(std::move(request));
    // Of a run that was there already, an old server does not say which was the first.
    const auto& first = reply.first_execution_run_id();
    co_return detail::Target{
        start.workflow_id(), {}, first.empty() && reply.started() ? reply.run_id() : first};
  } catch (const RpcError& error) {
    throw ClientError(error.what());
  }
}

asio::awaitable<Payload> workflow_result(const Caller& caller, detail::ExecutionId execution) {
  const detail::Target target{execution.workflow_id, execution.run_id};
  try {
    co_return co_await result_of(caller, std::move(execution));
  } catch (const RpcError& error) {
    throw_client_error(caller, target, error);
  }
}

}  // namespace temporal::supervisor
