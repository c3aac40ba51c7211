// SPDX-License-Identifier: MIT
// activity::client(): coroutine activities ask the server over the worker's own connection. They are on their loops, the
// connection is the core loop's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>

#include "supervisor/client/workflow_calls.hpp"
#include "temporal/activity_client.hpp"

namespace temporal::supervisor {

/// Thread rule: made and ended on the core loop, called on loops of user coroutines.
class LoopClient final : public activity::detail::ClientBackend {
 public:
  LoopClient(boost::asio::any_io_executor core, Caller caller)
      : core_(std::move(core)), caller_(std::move(caller)) {}

  awaitable<detail::ExecutionId> start(std::string_view type, const StartOptions& options,
                                       Payloads arguments) override;
  awaitable<Payload> result(detail::ExecutionId execution) override;
  awaitable<void> signal(detail::ExecutionId execution, std::string_view name,
                         Payloads arguments) override;
  awaitable<void> cancel(detail::ExecutionId execution) override;

 private:
  boost::asio::any_io_executor core_;
  Caller caller_;
};

}  // namespace temporal::supervisor
