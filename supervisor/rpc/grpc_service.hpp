// SPDX-License-Identifier: MIT
// WorkflowService and ClientService over gRPC: deadlines, retries and what a poll's end means are applied here, so
// that callers see a reply or a final error.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <random>
#include <stdexcept>
#include <string_view>

#include "supervisor/rpc/call.hpp"
#include "supervisor/rpc/client_service.hpp"
#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/outages.hpp"
#include "supervisor/rpc/retry.hpp"

namespace temporal::supervisor {

struct ServiceOptions {
  std::chrono::milliseconds deadline = std::chrono::seconds{30};  ///< of one try of a unary call
  /// Of polls and waits. The server answers empty before; it refuses less than 2 s.
  std::chrono::milliseconds long_poll_deadline = std::chrono::seconds{70};
  std::chrono::milliseconds shutdown_deadline =
      std::chrono::seconds{5};  ///< of ShutdownWorker, which is tried once
  RetryOptions retry{};
  Logger* log = nullptr;  ///< told of outages
  /// Told of each try that was not cancelled: how it ended, and after how long. Called on the loop; must not throw.
  std::function<void(std::string_view method, CallKind kind, const CallResult& result,
                     std::chrono::nanoseconds took)>
      on_try = {};
};

/// No server answered in time. what() is one sentence that names the address.
class ConnectError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Threads: as Connection, which must outlive it; it must outlive its calls.
class GrpcService final : public ClientService {
 public:
  explicit GrpcService(Connection& connection, ServiceOptions options = {});

  /// First thing to await. Asks until a server answers, for at most `within`, then throws
  /// ConnectError; an answer that is an error (no permission, say) throws it at once. A server too
  /// old to know the question gets the default reply.
  awaitable<api::workflowservice::v1::GetSystemInfoResponse> connect(
      std::chrono::milliseconds within);

#define TEMPORAL_RPC(name, Name)                            \
  awaitable<api::workflowservice::v1::Name##Response> name( \
      api::workflowservice::v1::Name##Request request) override;
  TEMPORAL_WORKER_RPCS(TEMPORAL_RPC)
  TEMPORAL_CLIENT_RPCS(TEMPORAL_RPC)
#undef TEMPORAL_RPC

 private:
  // Tries until `kind`'s rules are content; true: `response` is filled, false: an empty poll.
  awaitable<bool> run(const CallOptions& options, CallKind kind,
                      const google::protobuf::MessageLite& request,
                      google::protobuf::MessageLite& response);
  awaitable<CallResult> try_once(const CallOptions& options, CallKind kind,
                                 const google::protobuf::MessageLite& request,
                                 google::protobuf::MessageLite& response);
  template <class Response, class Request>
  awaitable<Response> send(const char* name, CallKind kind, const Request& request);

  Connection& connection_;
  ServiceOptions options_;
  Outages outages_;
  std::minstd_rand random_;
};

}  // namespace temporal::supervisor
