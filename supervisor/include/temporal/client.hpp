// SPDX-License-Identifier: MIT
// Starts workflows, and talks to those that run: by handles, see workflow_handle.hpp. Calls block, and may come from any thread,
// several at a time; never from workflow code.
//
//   auto client = temporal::Client::connect({.address = "localhost:7233"});
//   auto cart = client.start<Cart>({.id = "cart-42", .task_queue = "shop"});
//   int total = cart.update<&Cart::add>(Item{"tea", 2});
//   cart.signal<&Cart::check_out>();
//   std::string receipt = cart.result();
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "temporal/client_calls.hpp"
#include "temporal/client_errors.hpp"
#include "temporal/errors.hpp"
#include "temporal/export.hpp"
#include "temporal/names.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/payload_codec.hpp"
#include "temporal/signature.hpp"
#include "temporal/workflow_handle.hpp"

namespace temporal {

struct ClientOptions {
  std::string_view address = "127.0.0.1:7233";
  std::string_view name_space = "default";
  std::string_view identity{};  ///< default pid@host
  /// How long connect() waits for a server that is away.
  Duration connect_timeout = std::chrono::seconds(10);
  /// What the workers of these workflows have by Module::codec(), in the same order.
  std::vector<std::shared_ptr<PayloadCodec>> codecs{};
  bool header_codec = false;  ///< headers go through them as well, as with `--header-codec on`
};

namespace detail {

template <class W, class... Args>
Payloads encode_start(Args&&... args) {
  using Parameters = typename Signature<decltype(&W::run)>::Parameters;
  static_assert(accepts<Parameters, Args...>,
                "these arguments do not fit the workflow: count and types must be those of run()");
  return encode_arguments(Parameters{}, std::forward<Args>(args)...);
}

}  // namespace detail

/// One connection, with a thread of its own.
class TEMPORAL_API Client {
 public:
  /// Throws ClientError when no server answers in time.
  static Client connect(const ClientOptions& options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Starts W on a task queue. Throws WorkflowAlreadyStartedError, ClientError.
  template <class W, class... Args>
  WorkflowHandle<W> start(const StartOptions& options, Args&&... args) {
    return {calls_, calls_->start(type_name_of<W>(), options,
                                  detail::encode_start<W>(std::forward<Args>(args)...))};
  }
  /// The same for a name that is known only at run time, or that the workflow was registered under.
  template <class Result, class... Args>
  WorkflowHandle<Result> start(std::string_view type, const StartOptions& options, Args&&... args) {
    return {calls_, calls_->start(type, options, detail::encode_plain(args...))};
  }

  /// Sends a signal to the workflow of that id, which is started first when none runs; the signal is then there before its first
  /// step. `arguments` are those of run(), as in std::tuple{"ann", 3}. Throws ClientError.
  template <auto Method, class... Start, class... Args>
  auto signal_with_start(const StartOptions& options, const std::tuple<Start...>& arguments,
                         Args&&... args)
      -> WorkflowHandle<typename detail::Signature<decltype(Method)>::Class> {
    using W = typename detail::Signature<decltype(Method)>::Class;
    return {
        calls_,
        calls_->signal_with_start(
            type_name_of<W>(), options,
            std::apply([](const auto&... a) { return detail::encode_start<W>(a...); }, arguments),
            name_of<Method>(), detail::encode_message<W, Method>(std::forward<Args>(args)...))};
  }
  /// The same by names.
  template <class Result, class... Start, class... Args>
  WorkflowHandle<Result> signal_with_start(std::string_view type, const StartOptions& options,
                                           const std::tuple<Start...>& arguments,
                                           std::string_view signal, Args&&... args) {
    return {calls_,
            calls_->signal_with_start(
                type, options,
                std::apply([](const auto&... a) { return detail::encode_plain(a...); }, arguments),
                signal, detail::encode_plain(args...))};
  }

  /// A workflow that was started before, by W, or by what it returns: handle<std::string>("report-7"). Without a run id:
  /// whichever run is the newest. Asks nobody.
  template <class T = void>
  [[nodiscard]] WorkflowHandle<T> handle(std::string_view id, std::string_view run_id = {}) const {
    return {calls_, detail::Target{std::string(id), std::string(run_id)}};
  }

  /// What the server's list filter finds, newest first, at most so many: list("WorkflowType = 'Cart'"). The list is a little late:
  /// what has just begun or ended may be missing. Throws ClientError, also for a filter that the server does not understand.
  [[nodiscard]] std::vector<WorkflowDescription> list(std::string_view query = {},
                                                      std::size_t limit = 1000) const {
    return calls_->list(query, limit);
  }

 private:
  explicit Client(std::shared_ptr<detail::ClientCalls> calls);
  std::shared_ptr<detail::ClientCalls> calls_;
};

}  // namespace temporal
