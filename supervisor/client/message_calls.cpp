// SPDX-License-Identifier: MIT
#include "supervisor/client/message_calls.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace ws = api::workflowservice::v1;
namespace enums = api::enums::v1;
namespace update = api::update::v1;

namespace {

Payload only(const api::common::v1::Payloads& payloads) {
  return payloads.payloads_size() > 0 ? from_proto(payloads.payloads(0)) : detail::null_payload();
}

enums::QueryRejectCondition condition_of(QueryReject reject) {
  switch (reject) {
    case QueryReject::not_open:
      return enums::QUERY_REJECT_CONDITION_NOT_OPEN;
    case QueryReject::not_completed_cleanly:
      return enums::QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY;
    case QueryReject::none:
      break;
  }
  return enums::QUERY_REJECT_CONDITION_NONE;
}

std::string of_workflow(const std::string& name, const detail::Target& target) {
  return name + " of workflow '" + target.workflow_id + "'";
}

[[noreturn]] void throw_query_failed(const std::string& query, const RpcError& error) {
  const auto detail = detail_of<api::errordetails::v1::QueryFailedFailure>(error);
  const auto cause = detail && detail->has_failure()
                         ? from_failure_proto(detail->failure())
                         : std::make_shared<const Failure>(message_of(error));
  throw QueryFailedError(query + " failed: " + cause->message(), cause);
}

std::optional<detail::UpdateOutcome> outcome_of(const update::Outcome& outcome) {
  switch (outcome.value_case()) {
    case update::Outcome::kSuccess:
      return detail::UpdateOutcome{only(outcome.success()), nullptr};
    case update::Outcome::kFailure:
      return detail::UpdateOutcome{{}, from_failure_proto(outcome.failure())};
    case update::Outcome::VALUE_NOT_SET:
      break;
  }
  return std::nullopt;
}

Payload take(const detail::StartedUpdate& update, const detail::UpdateOutcome& outcome) {
  if (outcome.failure)
    throw UpdateFailedError(of_workflow("update '" + update.id + "'", update.target) +
                                " failed: " + outcome.failure->message(),
                            outcome.failure);
  return outcome.result;
}

ws::UpdateWorkflowExecutionRequest update_request(
    const Caller& caller, const Message& message, std::string id,
    enums::UpdateWorkflowExecutionLifecycleStage stage) {
  ws::UpdateWorkflowExecutionRequest request;
  request.set_namespace_(caller.name_space);
  name_execution(message.target, request.mutable_workflow_execution());
  request.set_first_execution_run_id(message.target.first_run_id);
  request.mutable_wait_policy()->set_lifecycle_stage(stage);
  auto* meta = request.mutable_request()->mutable_meta();
  meta->set_update_id(std::move(id));
  meta->set_identity(caller.identity);
  auto* input = request.mutable_request()->mutable_input();
  input->set_name(message.name);
  to_proto(message.arguments, input->mutable_args());
  return request;
}

// The server answers before the update has come so far when that takes long; then it is asked again, about the same update.
asio::awaitable<detail::StartedUpdate> send_update(
    const ClientCaller& caller, Message message, std::string id,
    enums::UpdateWorkflowExecutionLifecycleStage stage) {
  const auto request = update_request(caller, message, id, stage);
  try {
    for (;;) {
      auto reply = co_await caller.client_service.update_workflow_execution(request);
      auto outcome = outcome_of(reply.outcome());
      if (!outcome && reply.stage() < enums::UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED)
        continue;
      detail::StartedUpdate sent{std::move(message.target), std::move(id), std::move(outcome)};
      const auto& run_id = reply.update_ref().workflow_execution().run_id();
      if (!run_id.empty()) sent.target.run_id = run_id;
      co_return sent;
    }
  } catch (const RpcError& error) {
    throw_client_error(caller, message.target, error);
  }
}

}  // namespace

asio::awaitable<void> signal_workflow(const Caller& caller, Message message) {
  ws::SignalWorkflowExecutionRequest request;
  request.set_namespace_(caller.name_space);
  request.set_identity(caller.identity);
  request.set_request_id(random_uuid());
  name_execution(message.target, request.mutable_workflow_execution());
  request.set_signal_name(message.name);
  to_proto(message.arguments, request.mutable_input());
  try {
    co_await caller.service.signal_workflow_execution(std::move(request));
  } catch (const RpcError& error) {
    throw_client_error(caller, message.target, error);
  }
}

asio::awaitable<void> cancel_workflow(const Caller& caller, detail::Target target,
                                      std::string reason) {
  ws::RequestCancelWorkflowExecutionRequest request;
  request.set_namespace_(caller.name_space);
  request.set_identity(caller.identity);
  request.set_request_id(random_uuid());
  name_execution(target, request.mutable_workflow_execution());
  request.set_first_execution_run_id(target.first_run_id);
  request.set_reason(std::move(reason));
  try {
    co_await caller.service.request_cancel_workflow_execution(std::move(request));
  } catch (const RpcError& error) {
    throw_client_error(caller, target, error);
  }
}

asio::awaitable<void> terminate_workflow(const Caller& caller, detail::Target target,
                                         std::string reason, Payloads details) {
  ws::TerminateWorkflowExecutionRequest request;
  request.set_namespace_(caller.name_space);
  request.set_identity(caller.identity);
  name_execution(target, request.mutable_workflow_execution());
  request.set_first_execution_run_id(target.first_run_id);
  request.set_reason(std::move(reason));
  if (!details.empty()) to_proto(details, request.mutable_details());
  try {
    co_await caller.service.terminate_workflow_execution(std::move(request));
  } catch (const RpcError& error) {
    throw_client_error(caller, target, error);
  }
}

namespace {

// The server's word for it, not ours: the worker that had the run in memory stops, and the question goes with its queue.
bool lost_its_worker(const RpcError& error) {
  return error.code() == RpcCode::cancelled &&
         std::string_view(error.what()).ends_with("context canceled");
}

asio::awaitable<ws::QueryWorkflowResponse> ask(const ClientCaller& caller,
                                               ws::QueryWorkflowRequest request) {
  constexpr int kTimes = 5;
  for (int time = 1;; ++time) {
    try {
      co_return co_await caller.client_service.query_workflow(request);
    } catch (const RpcError& error) {
      if (time == kTimes || !lost_its_worker(error)) throw;
    }
  }
}

}  // namespace

asio::awaitable<Payload> query_workflow(const ClientCaller& caller, Message message,
                                        QueryReject reject) {
  const auto query = of_workflow("query '" + message.name + "'", message.target);
  ws::QueryWorkflowRequest request;
  request.set_namespace_(caller.name_space);
  name_execution(message.target, request.mutable_execution());
  request.mutable_query()->set_query_type(message.name);
  to_proto(message.arguments, request.mutable_query()->mutable_query_args());
  request.set_query_reject_condition(condition_of(reject));
  try {
    const auto reply = co_await ask(caller, std::move(request));
    if (reply.has_query_rejected()) {
      const auto status = static_cast<WorkflowStatus>(reply.query_rejected().status());
      throw QueryRejectedError(
          query + " was not put to it: it is " + std::string(to_string(status)), status);
    }
    co_return only(reply.query_result());
  } catch (const RpcError& error) {
    // An answer that is too large for the server has no detail.
    if (error.code() == RpcCode::invalid_argument) throw_query_failed(query, error);
    throw_client_error(caller, message.target, error);
  }
}

asio::awaitable<detail::StartedUpdate> start_update(const ClientCaller& caller, Message message,
                                                    std::string id) {
  return send_update(caller, std::move(message), std::move(id),
                     enums::UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED);
}

asio::awaitable<Payload> execute_update(const ClientCaller& caller, Message message,
                                        std::string id) {
  auto sent = co_await send_update(caller, std::move(message), std::move(id),
                                   enums::UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED);
  co_return co_await update_result(caller, std::move(sent));
}

asio::awaitable<Payload> update_result(const ClientCaller& caller, detail::StartedUpdate update) {
  if (update.outcome) co_return take(update, *update.outcome);
  ws::PollWorkflowExecutionUpdateRequest request;
  request.set_namespace_(caller.name_space);
  request.set_identity(caller.identity);
  auto* ref = request.mutable_update_ref();
  name_execution(update.target, ref->mutable_workflow_execution());
  ref->set_update_id(update.id);
  request.mutable_wait_policy()->set_lifecycle_stage(
      enums::UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED);
  try {
    for (;;) {
      const auto reply = co_await caller.client_service.poll_workflow_execution_update(request);
      if (const auto outcome = outcome_of(reply.outcome())) co_return take(update, *outcome);
    }
  } catch (const RpcError& error) {
    if (error.code() == RpcCode::not_found)
      throw WorkflowNotFoundError("there is no " +
                                  of_workflow("update '" + update.id + "'", update.target) + " (" +
                                  error.what() + ")");
    throw_client_error(caller, update.target, error);
  }
}

}  // namespace temporal::supervisor
