// SPDX-License-Identifier: MIT
// The public client over rpc/: a loop of its own on a thread of its own, behind blocking calls.
#include "temporal/client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "supervisor/client/inspection_calls.hpp"
#include "supervisor/client/message_calls.hpp"
#include "supervisor/client/workflow_calls.hpp"
#include "supervisor/codec/coded_service.hpp"
#include "supervisor/options.hpp"
#include "supervisor/recorded_events.hpp"
#include "supervisor/rpc/connection.hpp"
#include "supervisor/rpc/grpc_service.hpp"

namespace asio = boost::asio;

namespace temporal {

using supervisor::RpcError;

namespace detail {

ClientCalls::~ClientCalls() = default;

}  // namespace detail

namespace {

std::string seconds(Duration duration) {
  std::string text = std::to_string(std::chrono::duration<double>(duration).count());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

class GrpcCalls final : public detail::ClientCalls {
 public:
  using Target = detail::Target;
  using StartedUpdate = detail::StartedUpdate;

  explicit GrpcCalls(const ClientOptions& options)
      : connection_({.address = std::string(options.address)}),
        server_(connection_),
        coder_({options.codecs, options.header_codec}),
        coded_(server_, coder_),
        service_(options.codecs.empty() ? static_cast<supervisor::ClientService&>(server_)
                                        : coded_),
        caller_{{service_, std::string(options.name_space),
                 options.identity.empty() ? supervisor::default_identity()
                                          : std::string(options.identity)},
                service_} {
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~GrpcCalls() override {
    stay_.reset();
    loop_.stop();
    thread_.join();
  }

  void connect(std::chrono::milliseconds within) { wait(server_.connect(within)); }

  Target start(std::string_view type, const StartOptions& options, Payloads arguments) override {
    auto request = supervisor::start_request(caller_, type, options, arguments);
    auto started = wait(supervisor::start_workflow(caller_, std::move(request)));
    return {std::move(started.workflow_id), {}, std::move(started.run_id)};
  }
  Target signal_with_start(std::string_view type, const StartOptions& options, Payloads arguments,
                           std::string_view signal, Payloads signal_arguments) override {
    auto request = supervisor::start_request(caller_, type, options, arguments);
    return wait(supervisor::signal_with_start(caller_, std::move(request), std::string(signal),
                                              std::move(signal_arguments)));
  }
  Payload result(const Target& target) override {
    return wait(supervisor::workflow_result(
        caller_,
        {target.workflow_id, target.run_id.empty() ? target.first_run_id : target.run_id}));
  }

  void signal(const Target& target, std::string_view name, Payloads arguments) override {
    wait(supervisor::signal_workflow(caller_, {target, std::string(name), std::move(arguments)}));
  }
  Payload query(const Target& target, std::string_view name, Payloads arguments,
                const QueryOptions& options) override {
    auto answer =
        wait_for(options.timeout,
                 supervisor::query_workflow(
                     caller_, {target, std::string(name), std::move(arguments)}, options.reject));
    if (!answer)
      throw QueryTimeoutError("query '" + std::string(name) + "' of workflow '" +
                              target.workflow_id + "' was not answered within " +
                              seconds(options.timeout) +
                              "; is there a worker for its task queue? "
                              "QueryOptions::timeout gives it longer");
    return std::move(*answer);
  }

  Payload update(const Target& target, std::string_view name, Payloads arguments,
                 const UpdateOptions& options) override {
    const auto id = update_id(options);
    auto result = wait_for(
        options.timeout,
        supervisor::execute_update(caller_, {target, std::string(name), std::move(arguments)}, id));
    if (!result) throw_update_timeout(target, id, "done", options.timeout);
    return std::move(*result);
  }
  StartedUpdate start_update(const Target& target, std::string_view name, Payloads arguments,
                             const UpdateOptions& options) override {
    const auto id = update_id(options);
    auto sent = wait_for(
        options.timeout,
        supervisor::start_update(caller_, {target, std::string(name), std::move(arguments)}, id));
    if (!sent) throw_update_timeout(target, id, "accepted", options.timeout);
    return std::move(*sent);
  }
  Payload update_result(const StartedUpdate& update, Duration timeout) override {
    auto result = wait_for(timeout, supervisor::update_result(caller_, update));
    if (!result) throw_update_timeout(update.target, update.id, "done", timeout);
    return std::move(*result);
  }

  void cancel(const Target& target, std::string_view reason) override {
    wait(supervisor::cancel_workflow(caller_, target, std::string(reason)));
  }
  void terminate(const Target& target, std::string_view reason, Payloads details) override {
    wait(supervisor::terminate_workflow(caller_, target, std::string(reason), std::move(details)));
  }
  WorkflowDescription describe(const Target& target) override {
    return wait(supervisor::describe_workflow(caller_, target));
  }
  History fetch_history(const Target& target) override {
    return supervisor::history_of(wait(supervisor::fetch_history(caller_, target)));
  }
  std::vector<WorkflowDescription> list(std::string_view query, std::size_t limit) override {
    return wait(supervisor::list_workflows(caller_, std::string(query), limit));
  }

 private:
  static std::string update_id(const UpdateOptions& options) {
    return options.id.empty() ? supervisor::random_uuid() : std::string(options.id);
  }
  [[noreturn]] static void throw_update_timeout(const Target& target, const std::string& id,
                                                std::string_view what, Duration timeout) {
    throw UpdateTimeoutError("update '" + id + "' of workflow '" + target.workflow_id +
                             "' was not " + std::string(what) + " within " + seconds(timeout) +
                             "; it may still be: send it again with this UpdateOptions::id, or "
                             "wait by update_handle()");
  }

  /// Runs it on the loop and waits. Called from any thread but the loop's.
  template <class T>
  T wait(asio::awaitable<T> work) {
    return asio::co_spawn(loop_, std::move(work), asio::use_future).get();
  }
  /// The same, but no longer than that, if it is not zero. What comes while it is being stopped counts.
  template <class T>
  std::optional<T> wait_for(Duration timeout, asio::awaitable<T> work) {
    constexpr Duration kForEver = std::chrono::hours(24 * 365);  // beyond, a clock would overflow
    if (timeout <= Duration::zero() || timeout > kForEver) return wait(std::move(work));
    const auto stop = std::make_shared<asio::cancellation_signal>();
    auto result = asio::co_spawn(loop_, std::move(work),
                                 asio::bind_cancellation_slot(stop->slot(), asio::use_future));
    if (result.wait_for(timeout) == std::future_status::ready) return result.get();
    asio::post(loop_, [stop] { stop->emit(asio::cancellation_type::terminal); });
    try {
      return result.get();
    } catch (const boost::system::system_error& error) {
      if (error.code() != asio::error::operation_aborted) throw;
      return std::nullopt;
    }
  }

  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> stay_{loop_.get_executor()};
  std::thread thread_;
  supervisor::Connection connection_;
  supervisor::GrpcService server_;
  supervisor::Coder coder_;
  supervisor::CodedClientService coded_;  // stands before the server where there are codecs
  supervisor::ClientService& service_;
  const supervisor::ClientCaller caller_;
};

}  // namespace

Client::Client(std::shared_ptr<detail::ClientCalls> calls) : calls_(std::move(calls)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Client Client::connect(const ClientOptions& options) {
  try {
    auto calls = std::make_shared<GrpcCalls>(options);
    calls->connect(std::chrono::duration_cast<std::chrono::milliseconds>(options.connect_timeout));
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
