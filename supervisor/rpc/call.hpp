// SPDX-License-Identifier: MIT
// One call as an awaitable: sent once, with a deadline, ended early when the awaiting coroutine is
// cancelled.
//
// The thread that waits for gRPC parses what comes, and post()s the result to the coroutine's executor. A call in flight
// counts as work: run() of the loop does not return before it has ended.
#pragma once

#include <google/protobuf/message_lite.h>

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/retry.hpp"

namespace temporal::supervisor {

enum class Lane { unary, long_poll };

struct CallOptions {
  std::string method = {};      ///< /package.Service/Method
  std::string name_space = {};  ///< sent as temporal-namespace; empty: not sent
  std::chrono::milliseconds deadline{0};
  Lane lane = Lane::unary;
};

/// Errors are in the result; `response` is filled when it is ok. Throws
/// boost::system::system_error(operation_aborted) when cancelled before the reply came. `request`,
/// `response` and `options` must live until then: keep them in the awaiting coroutine.
boost::asio::awaitable<CallResult> call(Connection& connection, const CallOptions& options,
                                        const google::protobuf::MessageLite& request,
                                        google::protobuf::MessageLite& response);

}  // namespace temporal::supervisor
