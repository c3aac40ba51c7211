// SPDX-License-Identifier: MIT
// What a client learns of workflows without asking them: descriptions, lists, histories.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "supervisor/client/caller.hpp"
#include "temporal/api/history/v1/message.pb.h"
#include "temporal/client_calls.hpp"

namespace temporal::supervisor {

/// All throw what throw_client_error() throws. Thread rule: core loop; `caller` must outlive them.
boost::asio::awaitable<WorkflowDescription> describe_workflow(const Caller& caller,
                                                              detail::Target target);
/// All pages of it.
boost::asio::awaitable<api::history::v1::History> fetch_history(const Caller& caller,
                                                                detail::Target target);
/// At most so many.
boost::asio::awaitable<std::vector<WorkflowDescription>> list_workflows(const ClientCaller& caller,
                                                                        std::string query,
                                                                        std::size_t limit);

}  // namespace temporal::supervisor
