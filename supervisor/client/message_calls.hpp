// SPDX-License-Identifier: MIT
// What a client says to a workflow that runs: signals, queries, updates, and that it shall end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "supervisor/client/caller.hpp"
#include "temporal/client_calls.hpp"
#include "temporal/payload.hpp"

namespace temporal::supervisor {

/// What all of these are about.
struct Message {
  detail::Target target;
  std::string name;
  Payloads arguments;
};

/// All throw what throw_client_error() throws. Thread rule: core loop; `caller` must outlive them.
boost::asio::awaitable<void> signal_workflow(const Caller& caller, Message message);
boost::asio::awaitable<void> cancel_workflow(const Caller& caller, detail::Target target,
                                             std::string reason);
boost::asio::awaitable<void> terminate_workflow(const Caller& caller, detail::Target target,
                                                std::string reason, Payloads details);

/// Waits for a worker, for as long as it is not cancelled. Throws QueryFailedError, QueryRejectedError.
boost::asio::awaitable<Payload> query_workflow(const ClientCaller& caller, Message message,
                                               QueryReject reject);

/// Until the workflow has accepted it, or turned it down.
boost::asio::awaitable<detail::StartedUpdate> start_update(const ClientCaller& caller,
                                                           Message message, std::string id);
/// Until there is an outcome. Throws UpdateFailedError.
boost::asio::awaitable<Payload> execute_update(const ClientCaller& caller, Message message,
                                               std::string id);
/// The same for one that was sent before.
boost::asio::awaitable<Payload> update_result(const ClientCaller& caller,
                                              detail::StartedUpdate update);

}  // namespace temporal::supervisor
