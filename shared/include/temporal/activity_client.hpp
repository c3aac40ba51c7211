// SPDX-License-Identifier: MIT
// A client for coroutine activities, over the worker's own connection: no second one, no thread that blocks.
//
//   auto client = activity::client();
//   auto run = co_await client.start<Ship>({.task_queue = "shop"}, order);
//   auto receipt = co_await run.result();
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "temporal/errors.hpp"
#include "temporal/export.hpp"
#include "temporal/names.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"

namespace temporal {

namespace detail {

struct TEMPORAL_API ExecutionId {
  std::string workflow_id;
  std::string run_id;
};

}  // namespace detail

namespace activity {

namespace detail {

/// Called on the loop of the awaiting coroutine. All throw ClientError.
class TEMPORAL_API ClientBackend {
 public:
  template <class T>
  using awaitable = boost::asio::awaitable<T>;

  virtual ~ClientBackend();
  virtual awaitable<temporal::detail::ExecutionId> start(std::string_view type,
                                                         const StartOptions& options,
                                                         Payloads arguments) = 0;
  virtual awaitable<Payload> result(temporal::detail::ExecutionId execution) = 0;
  virtual awaitable<void> signal(temporal::detail::ExecutionId execution, std::string_view name,
                                 Payloads arguments) = 0;
  virtual awaitable<void> cancel(temporal::detail::ExecutionId execution) = 0;
};

/// Throws std::logic_error on a thread that is no loop of a worker.
TEMPORAL_API ClientBackend& client_backend();
/// Of this thread.
TEMPORAL_API void set_client_backend(ClientBackend* backend) noexcept;

template <class Handle>
boost::asio::awaitable<Handle> handle_of(
    ClientBackend& backend, boost::asio::awaitable<temporal::detail::ExecutionId> started) {
  co_return Handle(backend, co_await std::move(started));
}

template <class Result>
boost::asio::awaitable<Result> result_of(boost::asio::awaitable<Payload> payload) {
  co_return from_payload<Result>(co_await std::move(payload));
}

}  // namespace detail

/// One workflow execution. Copyable; used by coroutine activities of the worker it came from.
template <class Result>
class WorkflowHandle {
 public:
  WorkflowHandle(detail::ClientBackend& backend, temporal::detail::ExecutionId execution)
      : backend_(&backend), execution_(std::move(execution)) {}

  [[nodiscard]] const std::string& id() const noexcept { return execution_.workflow_id; }
  [[nodiscard]] const std::string& run_id() const noexcept { return execution_.run_id; }

  /// Waits for the end of the workflow, however long. Throws WorkflowFailedError, ClientError.
  boost::asio::awaitable<Result> result() const {
    return detail::result_of<Result>(backend_->result(execution_));
  }
  /// Sends the signal that handler `Method` of the workflow takes. Throws ClientError.
  template <auto Method, class... Args>
  boost::asio::awaitable<void> signal(Args&&... args) const {
    using Sig = temporal::detail::Signature<decltype(Method)>;
    static_assert(temporal::detail::accepts<typename Sig::Parameters, Args...>,
                  "these arguments do not fit the signal: count and types must be those of its "
                  "handler");
    return backend_->signal(execution_, name_of<Method>(),
                            temporal::detail::encode_arguments(typename Sig::Parameters{},
                                                               std::forward<Args>(args)...));
  }
  /// Asks the workflow to cancel. Throws ClientError.
  boost::asio::awaitable<void> cancel() const { return backend_->cancel(execution_); }

 private:
  detail::ClientBackend* backend_;
  temporal::detail::ExecutionId execution_;
};

class Client {
 public:
  explicit Client(detail::ClientBackend& backend) : backend_(&backend) {}

  /// Starts W on a task queue. Throws WorkflowAlreadyStartedError, ClientError.
  template <class W, class... Args>
  auto start(const StartOptions& options, Args&&... args) const {
    using Sig = temporal::detail::Signature<decltype(&W::run)>;
    static_assert(
        temporal::detail::accepts<typename Sig::Parameters, Args...>,
        "these arguments do not fit the workflow: count and types must be those of run()");
    return detail::handle_of<WorkflowHandle<typename Sig::Result>>(
        *backend_, backend_->start(type_name_of<W>(), options,
                                   temporal::detail::encode_arguments(
                                       typename Sig::Parameters{}, std::forward<Args>(args)...)));
  }
  /// The same for a name that is known only at run time.
  template <class Result, class... Args>
  boost::asio::awaitable<WorkflowHandle<Result>> start(std::string_view type,
                                                       const StartOptions& options,
                                                       Args&&... args) const {
    return detail::handle_of<WorkflowHandle<Result>>(
        *backend_,
        backend_->start(type, options, Payloads{to_payload<std::decay_t<Args>>(args)...}));
  }
  /// A workflow that runs already; the newest run of that id.
  template <class Result = void>
  [[nodiscard]] WorkflowHandle<Result> handle(std::string workflow_id) const {
    return {*backend_, {std::move(workflow_id), {}}};
  }

 private:
  detail::ClientBackend* backend_;
};

/// Only in a coroutine activity; elsewhere throws std::logic_error that says why: a child process has no connection and no
/// credentials, so that it cannot misuse them.
inline Client client() { return Client(detail::client_backend()); }

}  // namespace activity

}  // namespace temporal
