// SPDX-License-Identifier: MIT
#include "supervisor/client/caller.hpp"

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "google/rpc/status.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace temporal::supervisor {

namespace {

std::string name_of(const detail::Target& target) {
  const auto& run = target.run_id.empty() ? target.first_run_id : target.run_id;
  return "workflow '" + target.workflow_id + "'" + (run.empty() ? "" : ", run '" + run + "',");
}

}  // namespace

std::string random_uuid() { return boost::uuids::to_string(boost::uuids::random_generator()()); }

void name_execution(const detail::Target& target, api::common::v1::WorkflowExecution* execution) {
  execution->set_workflow_id(target.workflow_id);
  execution->set_run_id(target.run_id);
}

std::string message_of(const RpcError& error) {
  return std::string(error.what()).substr(error.method().size() + 2);
}

std::vector<google::protobuf::Any> details_of(const RpcError& error) {
  google::rpc::Status status;
  if (!status.ParseFromString(error.details())) return {};
  return {status.details().begin(), status.details().end()};
}

void throw_client_error(const Caller& caller, const detail::Target& target, const RpcError& error) {
  namespace details = api::errordetails::v1;
  if (error.code() != RpcCode::not_found || detail_of<details::NamespaceNotFoundFailure>(error))
    throw ClientError(error.what());
  // A run that is over is not found either, and the server's sentence is all that tells.
  if (message_of(error).find("already completed") != std::string::npos)
    throw WorkflowNotFoundError(name_of(target) + " is over, this comes too late (" + error.what() +
                                ")");
  throw WorkflowNotFoundError("there is no " + name_of(target) + " in namespace '" +
                              caller.name_space + "'; check both names (" + error.what() + ")");
}

}  // namespace temporal::supervisor
