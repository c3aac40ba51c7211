// SPDX-License-Identifier: MIT
// Other workflows: children, which a workflow starts and whose results it gets, and any workflow of
// the namespace by its id, to tell it something or to ask it to stop.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "temporal/workflow.hpp"

namespace temporal::workflow {

namespace detail {

template <auto Method, class W, class... Args>
Call signal_call(Args&&... args) {
  using Sig = temporal::detail::Signature<decltype(Method)>;
  static_assert(!std::is_void_v<typename Sig::Class>,
                "a signal is named by its handler, a method: signal<&Cart::check_out>()");
  static_assert(std::is_void_v<W> || std::is_same_v<typename Sig::Class, W>,
                "this signal handler is a method of another workflow's class");
  static_assert(temporal::detail::accepts<typename Sig::Parameters, Args...>,
                "these arguments do not fit the signal's handler: count and types must be those of "
                "its parameters");
  temporal::detail::refuse_twice_destroyed<Args&&...>();
  return {
      std::string(name_of<Method>()),
      temporal::detail::encode_arguments(typename Sig::Parameters{}, std::forward<Args>(args)...),
      {}};
}

inline Future<> send_signal(const Target& target, Call signal) {
  return {current().signal_workflow(target, std::move(signal)), &take_nothing};
}

}  // namespace detail

class External {
 public:
  External(std::string_view id, std::string_view run_id)
      : target_{std::string(id), std::string(run_id)} {}

  /// Done when the signal is in the other's history. The future throws ExternalWorkflowError when
  /// there is no such workflow, Cancelled when it is cancelled in the task that sends it.
  template <auto Method, class... Args>
  Future<> signal(Args&&... args) const {
    return detail::send_signal(target_,
                               detail::signal_call<Method, void>(std::forward<Args>(args)...));
  }
  /// The same for a name that is known only at run time, or that the signal was registered under.
  template <class... Args>
  Future<> signal(std::string_view name, Args&&... args) const {
    return detail::send_signal(target_, detail::call_of(name, std::forward<Args>(args)...));
  }
  /// Done when the other has been asked to stop, which it may or may not do. The future throws
  /// ExternalWorkflowError when there is no such workflow.
  Future<> cancel(std::string_view reason = {}) const {
    return {detail::current().cancel_workflow(target_, reason), &detail::take_nothing};
  }

 private:
  detail::Target target_;
};

/// A workflow of this namespace. Without a run id: whichever run has the id when it is reached.
[[nodiscard]] inline External external(std::string_view id, std::string_view run_id = {}) {
  return {id, run_id};
}

/// A child that has started. A copy is the same child.
template <class R, class W = void>
class Child {
 public:
  explicit Child(std::shared_ptr<detail::ChildStart> start) : start_(std::move(start)) {}

  [[nodiscard]] const std::string& id() const noexcept { return start_->workflow_id; }
  /// Of its first run.
  [[nodiscard]] const std::string& run_id() const noexcept { return start_->run_id; }
  /// Throws ChildWorkflowError, whose cause() says why.
  [[nodiscard]] Future<R> result() const { return {start_->result, &detail::take_payload<R>}; }

  /// As External::signal.
  template <auto Method, class... Args>
  Future<> signal(Args&&... args) const {
    return detail::send_signal(target(),
                               detail::signal_call<Method, W>(std::forward<Args>(args)...));
  }
  template <class... Args>
  Future<> signal(std::string_view name, Args&&... args) const {
    return detail::send_signal(target(), detail::call_of(name, std::forward<Args>(args)...));
  }
  /// Asks it to stop; what follows is its OnChildCancel. Nothing once it is over.
  void cancel(std::string_view reason = {}) {
    start_->result->cancel_reason = reason;
    start_->result->cancel();
  }

 private:
  [[nodiscard]] detail::Target target() const { return {id(), {}, true}; }
  std::shared_ptr<detail::ChildStart> start_;
};

namespace detail {

template <class W>
using ChildResultOf = typename temporal::detail::Signature<decltype(&W::run)>::Result;

template <class W, class... Args>
std::shared_ptr<ChildStart> start_typed_child(const ChildOptions& options, Args&&... args) {
  using Parameters = typename temporal::detail::Signature<decltype(&W::run)>::Parameters;
  static_assert(temporal::detail::accepts<Parameters, Args...>,
                "these arguments do not fit the child's run(): count and types must be those of "
                "its parameters");
  temporal::detail::refuse_twice_destroyed<Args&&...>();
  return current().start_child(
      {std::string(type_name_of<W>()),
       temporal::detail::encode_arguments(Parameters{}, std::forward<Args>(args)...),
       {}},
      options);
}

template <class... Args>
std::shared_ptr<ChildStart> start_named_child(std::string_view type, const ChildOptions& options,
                                              Args&&... args) {
  return current().start_child(call_of(type, std::forward<Args>(args)...), options);
}

template <class R, class W>
Child<R, W> take_child(FutureState& state) {
  return Child<R, W>(static_cast<ChildStart&>(state).shared_from_this());
}

}  // namespace detail

/// Starts a child at once; the future is its result. It throws ChildWorkflowError, whose cause()
/// says why, or ChildWorkflowAlreadyStartedError. Throws std::invalid_argument for options that no
/// server would take.
template <class W, class... Args>
auto execute_child(const ChildOptions& options, Args&&... args)
    -> Future<detail::ChildResultOf<W>> {
  return {detail::start_typed_child<W>(options, std::forward<Args>(args)...)->result,
          &detail::take_payload<detail::ChildResultOf<W>>};
}

/// The same for a name that is known only at run time, or that the workflow was registered under.
template <class R = void, class... Args>
Future<R> execute_child(std::string_view type, const ChildOptions& options, Args&&... args) {
  return {detail::start_named_child(type, options, std::forward<Args>(args)...)->result,
          &detail::take_payload<R>};
}

/// Starts a child at once; the future is done when it has started, which is also when it is sure to
/// outlive its parent under ParentClose::abandon. Until then, to cancel the future is to cancel the
/// child.
template <class W, class... Args>
auto start_child(const ChildOptions& options, Args&&... args)
    -> Future<Child<detail::ChildResultOf<W>, W>> {
  return {detail::start_typed_child<W>(options, std::forward<Args>(args)...),
          &detail::take_child<detail::ChildResultOf<W>, W>};
}

template <class R = void, class... Args>
Future<Child<R>> start_child(std::string_view type, const ChildOptions& options, Args&&... args) {
  return {detail::start_named_child(type, options, std::forward<Args>(args)...),
          &detail::take_child<R, void>};
}

}  // namespace temporal::workflow
