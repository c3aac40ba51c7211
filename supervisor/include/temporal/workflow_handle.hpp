// SPDX-License-Identifier: MIT
// One workflow execution as a client sees it: told, asked, changed, ended, waited for. What a method may throw beside what is
// said of it: ClientError when the server refuses, or does not answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "temporal/client_calls.hpp"
#include "temporal/client_errors.hpp"
#include "temporal/history.hpp"
#include "temporal/names.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/signature.hpp"

namespace temporal {

namespace detail {

/// A class whose run() is a workflow's.
template <class T>
concept WorkflowClass = requires {
  &T::run;
}
&&Signature<decltype(&T::run)>::kTask;

template <class T>
struct WorkflowResult {
  using type = T;
};
template <WorkflowClass W>
struct WorkflowResult<W> {
  using type = typename Signature<decltype(&W::run)>::Result;
};

template <class Options, class... Args>
inline constexpr bool begins_with = false;
template <class Options, class First, class... More>
inline constexpr bool begins_with<Options, First, More...> =
    std::is_same_v<Options, std::remove_cvref_t<First>>;

template <class T, auto Method, class... Args>
Payloads encode_message(Args&&... args) {
  using Sig = Signature<decltype(Method)>;
  static_assert(!std::is_void_v<typename Sig::Class>,
                "a signal, query or update is named by its handler, a method: "
                "signal<&Cart::check_out>()");
  static_assert(!WorkflowClass<T> || std::is_same_v<typename Sig::Class, T>,
                "this handler is a method of another workflow's class");
  static_assert(accepts<typename Sig::Parameters, Args...>,
                "these arguments do not fit the handler: count and types must be those of its "
                "parameters");
  return encode_arguments(typename Sig::Parameters{}, std::forward<Args>(args)...);
}

template <auto Method>
using AnswerOf = typename Signature<decltype(Method)>::Result;

}  // namespace detail

/// An update that was sent. Copyable; keeps its client's connection alive. From any thread.
template <class Result>
class UpdateHandle {
 public:
  UpdateHandle(std::shared_ptr<detail::ClientCalls> calls, detail::StartedUpdate update)
      : calls_(std::move(calls)), update_(std::move(update)) {}

  [[nodiscard]] const std::string& id() const noexcept { return update_.id; }
  [[nodiscard]] const std::string& workflow_id() const noexcept {
    return update_.target.workflow_id;
  }
  /// Waits for its outcome, however long, or as long as is said. Throws UpdateFailedError, UpdateTimeoutError, and
  /// WorkflowNotFoundError when there is no such update.
  Result result(Duration timeout = {}) const {
    return from_payload<Result>(calls_->update_result(update_, timeout));
  }

 private:
  std::shared_ptr<detail::ClientCalls> calls_;
  detail::StartedUpdate update_;
};

/// Of a workflow's class, or, where that is not known here, of what it returns: WorkflowHandle<Cart>, WorkflowHandle<std::string>.
/// Copyable; keeps its client's connection alive. Calls block, and may come from any thread, several at a time.
///
/// One that was started, or that names no run, talks to the newest run of its id, one that names a run to that run only. What was
/// started is never mistaken for another workflow of the same id by update(), cancel() and terminate().
template <class T = void>
class WorkflowHandle {
 public:
  using Result = typename detail::WorkflowResult<T>::type;

  WorkflowHandle(std::shared_ptr<detail::ClientCalls> calls, detail::Target target)
      : calls_(std::move(calls)), target_(std::move(target)) {}

  [[nodiscard]] const std::string& id() const noexcept { return target_.workflow_id; }
  /// The run that was started, or asked for; else empty.
  [[nodiscard]] const std::string& run_id() const noexcept {
    return target_.run_id.empty() ? target_.first_run_id : target_.run_id;
  }

  /// Waits for the end, however long; follows retries and continue-as-new to the end of the chain. Throws WorkflowFailedError,
  /// WorkflowNotFoundError.
  Result result() const { return from_payload<Result>(calls_->result(target_)); }

  /// Done when the signal is in the workflow's history. `Method` is the handler; its name is the signal's. Throws
  /// WorkflowNotFoundError, also for a workflow that is over.
  template <auto Method, class... Args>
  void signal(Args&&... args) const {
    static_assert(std::is_void_v<detail::AnswerOf<Method>>,
                  "a signal has nobody to answer to: this handler returns something, send an "
                  "update to it");
    calls_->signal(target_, name_of<Method>(),
                   detail::encode_message<T, Method>(std::forward<Args>(args)...));
  }
  /// The same by name: for a workflow in another language, or a handler that was registered under another name.
  template <class... Args>
  void signal(std::string_view name, Args&&... args) const {
    calls_->signal(target_, name, detail::encode_plain(args...));
  }

  /// What the workflow's handler `Method` answers; also when the workflow is over. Throws QueryFailedError, QueryRejectedError,
  /// QueryTimeoutError, WorkflowNotFoundError.
  template <auto Method, class... Args>
  auto query(const QueryOptions& options, Args&&... args) const -> detail::AnswerOf<Method> {
    static_assert(detail::Signature<decltype(Method)>::kConst,
                  "a query must only look: its handler is a const method");
    return from_payload<detail::AnswerOf<Method>>(
        calls_->query(target_, name_of<Method>(),
                      detail::encode_message<T, Method>(std::forward<Args>(args)...), options));
  }
  template <auto Method, class... Args>
  requires(!detail::begins_with<QueryOptions, Args...>)  //
      auto query(Args&&... args) const -> detail::AnswerOf<Method> {
    return query<Method>(QueryOptions{}, std::forward<Args>(args)...);
  }
  template <class Answer, class... Args>
  Answer query(std::string_view name, const QueryOptions& options, Args&&... args) const {
    return from_payload<Answer>(
        calls_->query(target_, name, detail::encode_plain(args...), options));
  }
  template <class Answer, class... Args>
  requires(!detail::begins_with<QueryOptions, Args...>)  //
      Answer query(std::string_view name, Args&&... args)
  const { return query<Answer>(name, QueryOptions{}, std::forward<Args>(args)...); }

  /// Sends an update to the handler `Method` and waits for its outcome. Throws UpdateFailedError, UpdateTimeoutError,
  /// WorkflowNotFoundError, also for a workflow that is over.
  template <auto Method, class... Args>
  auto update(const UpdateOptions& options, Args&&... args) const -> detail::AnswerOf<Method> {
    return from_payload<detail::AnswerOf<Method>>(
        calls_->update(target_, name_of<Method>(),
                       detail::encode_message<T, Method>(std::forward<Args>(args)...), options));
  }
  template <auto Method, class... Args>
  requires(!detail::begins_with<UpdateOptions, Args...>)  //
      auto update(Args&&... args) const -> detail::AnswerOf<Method> {
    return update<Method>(UpdateOptions{}, std::forward<Args>(args)...);
  }
  template <class Answer = void, class... Args>
  Answer update(std::string_view name, const UpdateOptions& options, Args&&... args) const {
    return from_payload<Answer>(
        calls_->update(target_, name, detail::encode_plain(args...), options));
  }
  template <class Answer = void, class... Args>
  requires(!detail::begins_with<UpdateOptions, Args...>)  //
      Answer update(std::string_view name, Args&&... args)
  const { return update<Answer>(name, UpdateOptions{}, std::forward<Args>(args)...); }

  /// The same, but waits only until the workflow has accepted it. Throws UpdateTimeoutError, WorkflowNotFoundError; that it was
  /// turned down is thrown by the handle's result().
  template <auto Method, class... Args>
  auto start_update(const UpdateOptions& options, Args&&... args) const
      -> UpdateHandle<detail::AnswerOf<Method>> {
    return {calls_, calls_->start_update(
                        target_, name_of<Method>(),
                        detail::encode_message<T, Method>(std::forward<Args>(args)...), options)};
  }
  template <auto Method, class... Args>
  requires(!detail::begins_with<UpdateOptions, Args...>)  //
      auto start_update(Args&&... args) const -> UpdateHandle<detail::AnswerOf<Method>> {
    return start_update<Method>(UpdateOptions{}, std::forward<Args>(args)...);
  }
  template <class Answer = void, class... Args>
  UpdateHandle<Answer> start_update(std::string_view name, const UpdateOptions& options,
                                    Args&&... args) const {
    return {calls_, calls_->start_update(target_, name, detail::encode_plain(args...), options)};
  }
  template <class Answer = void, class... Args>
  requires(!detail::begins_with<UpdateOptions, Args...>)  //
      UpdateHandle<Answer> start_update(std::string_view name, Args&&... args)
  const { return start_update<Answer>(name, UpdateOptions{}, std::forward<Args>(args)...); }
  /// An update that was accepted before, by its id; also of a workflow that is over. Asks nobody.
  template <auto Method>
  [[nodiscard]] auto update_handle(std::string_view id) const
      -> UpdateHandle<detail::AnswerOf<Method>> {
    return update_handle<detail::AnswerOf<Method>>(id);
  }
  template <class Answer>
  [[nodiscard]] UpdateHandle<Answer> update_handle(std::string_view id) const {
    return {calls_, detail::StartedUpdate{target_, std::string(id)}};
  }

  /// Asks the workflow to stop, which it may or may not do. Throws WorkflowNotFoundError.
  void cancel(std::string_view reason = {}) const { calls_->cancel(target_, reason); }
  /// Ends the workflow without asking it. Throws WorkflowNotFoundError, also when it is over.
  template <class... Details>
  void terminate(std::string_view reason = {}, const Details&... details) const {
    calls_->terminate(target_, reason, detail::encode_plain(details...));
  }

  /// Throws WorkflowNotFoundError.
  [[nodiscard]] WorkflowDescription describe() const { return calls_->describe(target_); }
  /// All events so far. Throws WorkflowNotFoundError.
  [[nodiscard]] History fetch_history() const { return calls_->fetch_history(target_); }

 private:
  std::shared_ptr<detail::ClientCalls> calls_;
  detail::Target target_;
};

}  // namespace temporal
