// SPDX-License-Identifier: MIT
// Starts workflows and waits for them. Blocking calls, from any thread; never from workflow code.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "temporal/activity_client.hpp"
#include "temporal/errors.hpp"
#include "temporal/export.hpp"
#include "temporal/names.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"

namespace temporal {

struct ClientOptions {
  std::string_view address = "127.0.0.1:7233";
  std::string_view name_space = "default";
  std::string_view identity{};  ///< default pid@host
  /// How long connect() waits for a server that is away.
  Duration connect_timeout = std::chrono::seconds(10);
};

namespace detail {

class ClientCalls;

TEMPORAL_API ExecutionId start_workflow(ClientCalls& calls, std::string_view type,
                                        const StartOptions& options, Payloads arguments);
/// Follows retries and continue-as-new to the end of the chain.
TEMPORAL_API Payload workflow_result(ClientCalls& calls, const ExecutionId& execution);

}  // namespace detail

/// One workflow execution. Copyable; keeps its client's connection alive.
template <class Result>
class WorkflowHandle {
 public:
  WorkflowHandle(std::shared_ptr<detail::ClientCalls> calls, detail::ExecutionId execution)
      : calls_(std::move(calls)), execution_(std::move(execution)) {}

  [[nodiscard]] const std::string& id() const noexcept { return execution_.workflow_id; }
  [[nodiscard]] const std::string& run_id() const noexcept { return execution_.run_id; }

  /// Waits for the end, however long. Throws WorkflowFailedError, or ClientError when the server
  /// cannot be asked.
  Result result() const {
    return from_payload<Result>(detail::workflow_result(*calls_, execution_));
  }

 private:
  std::shared_ptr<detail::ClientCalls> calls_;
  detail::ExecutionId execution_;
};

class TEMPORAL_API Client {
 public:
  /// Throws ClientError when no server answers in time.
  static Client connect(const ClientOptions& options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Starts W on a task queue. Throws WorkflowAlreadyStartedError, ClientError.
  template <class W, class... Args>
  auto start(const StartOptions& options, Args&&... args) {
    using Sig = detail::Signature<decltype(&W::run)>;
    static_assert(
        detail::accepts<typename Sig::Parameters, Args...>,
        "these arguments do not fit the workflow: count and types must be those of run()");
    return WorkflowHandle<typename Sig::Result>(
        calls_, detail::start_workflow(*calls_, type_name_of<W>(), options,
                                       detail::encode_arguments(typename Sig::Parameters{},
                                                                std::forward<Args>(args)...)));
  }

  /// The same for a name that is known only at run time.
  template <class Result, class... Args>
  WorkflowHandle<Result> start(std::string_view type, const StartOptions& options, Args&&... args) {
    return {calls_, detail::start_workflow(*calls_, type, options,
                                           Payloads{to_payload<std::decay_t<Args>>(args)...})};
  }

 private:
  explicit Client(std::shared_ptr<detail::ClientCalls> calls);
  std::shared_ptr<detail::ClientCalls> calls_;
};

}  // namespace temporal
