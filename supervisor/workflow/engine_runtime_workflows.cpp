// SPDX-License-Identifier: MIT
// What a run asks of other workflows: its children, any by id, and the run that comes after it.
#include <stdexcept>
#include <utility>

#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/machines/cancel_external.hpp"
#include "supervisor/workflow/machines/child.hpp"
#include "supervisor/workflow/machines/child_command.hpp"
#include "supervisor/workflow/machines/retry_policy.hpp"
#include "supervisor/workflow/machines/signal_external.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

using workflow::detail::ChildStart;
using workflow::detail::FutureState;
using workflow::detail::PlainFuture;
using workflow::detail::Target;

std::shared_ptr<ChildStart> EngineRuntime::start_child(std::string_view type, Payloads arguments,
                                                       const ChildOptions& options) {
  auto start = std::make_shared<ChildStart>(trampoline());
  if (retired_) return start;
  refuse_if_read_only("start_child");
  engine::check(type, options);
  const auto id = options.id.empty() ? workflow::uuid4() : std::string(options.id);
  auto command = child_command(type, arguments, options, id, machines_.info().task_queue);
  Child::start(machines_, std::move(command), options.on_cancel, start,
               [this] { return cancel_reason_; });
  loop_.cancel_with_scope(start->result);
  return start;
}

PlainFuture EngineRuntime::signal_workflow(const Target& target, std::string_view signal,
                                           Payloads arguments) {
  auto future = std::make_shared<FutureState>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("external().signal");
  if (target.workflow_id.empty())
    throw std::invalid_argument("workflow::external().signal: a workflow id is needed");
  if (signal.empty())
    throw std::invalid_argument("workflow::external().signal: a signal needs a name");
  SignalExternal::send(machines_, signal_command(target, signal, arguments), future);
  loop_.cancel_with_scope(future);
  return future;
}

PlainFuture EngineRuntime::cancel_workflow(const Target& target, std::string_view reason) {
  auto future = std::make_shared<FutureState>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("external().cancel");
  if (target.workflow_id.empty())
    throw std::invalid_argument("workflow::external().cancel: a workflow id is needed");
  const auto asked = [this, future](const std::exception_ptr& error) {
    machines_.resolve([future, error] { error ? future->fail(error) : future->succeed(); });
  };
  CancelExternal::request(machines_, target, std::string(reason), asked);
  return future;
}

void EngineRuntime::check(const ContinueOptions& options) const {
  constexpr auto kZero = Duration::zero();
  const auto refuse = [](const char* why) {
    throw std::invalid_argument("workflow::continue_as_new: " + std::string(why));
  };
  refuse_if_read_only("continue_as_new");
  if (options.run_timeout < kZero) refuse("run_timeout must not be negative");
  if (options.task_timeout < kZero) refuse("task_timeout must not be negative");
  if (options.start_delay < kZero) refuse("start_delay must not be negative");
  engine::check(options.retry, "workflow::continue_as_new");
}

}  // namespace temporal::engine
