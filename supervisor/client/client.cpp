// SPDX-License-Identifier: MIT
// The public client over rpc/: a loop of its own on a thread of its own, behind blocking calls.
#include "temporal/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>
#include <thread>

#include "supervisor/client/workflow_calls.hpp"
#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/grpc_service.hpp"

namespace asio = boost::asio;

namespace temporal {

using supervisor::RpcError;

namespace detail {

class ClientCalls {
 public:
  explicit ClientCalls(const ClientOptions& options)
      : connection_({.address = std::string(options.address)}),
        service(connection_),
        caller{service, std::string(options.name_space),
               options.identity.empty() ? supervisor::default_identity()
                                        : std::string(options.identity)} {
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~ClientCalls() {
    stay_.reset();
    loop_.stop();
    thread_.join();
  }

  /// Runs it on the loop and waits. Called from any thread but the loop's.
  template <class T>
  T wait(asio::awaitable<T> work) {
    return asio::co_spawn(loop_, std::move(work), asio::use_future).get();
  }

 private:
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> stay_{loop_.get_executor()};
  std::thread thread_;
  supervisor::Connection connection_;

 public:
  supervisor::GrpcService service;
  const supervisor::Caller caller;
};

ExecutionId start_workflow(ClientCalls& calls, std::string_view type, const StartOptions& options,
                           Payloads arguments) {
  auto request = supervisor::start_request(calls.caller, type, options, arguments);
  return calls.wait(supervisor::start_workflow(calls.caller, std::move(request)));
}

Payload workflow_result(ClientCalls& calls, const ExecutionId& execution) {
  return calls.wait(supervisor::workflow_result(calls.caller, execution));
}

}  // namespace detail

Client::Client(std::shared_ptr<detail::ClientCalls> calls) : calls_(std::move(calls)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Client Client::connect(const ClientOptions& options) {
  try {
    auto calls = std::make_shared<detail::ClientCalls>(options);
    using std::chrono::duration_cast;
    calls->wait(
        calls->service.connect(duration_cast<std::chrono::milliseconds>(options.connect_timeout)));
    return Client(std::move(calls));
  } catch (const supervisor::ConnectError& error) {
    throw ClientError(error.what());
  } catch (const std::invalid_argument& error) {
    throw ClientError(error.what());
  } catch (const RpcError& error) {
    throw ClientError(error.what());
  }
}

}  // namespace temporal
