// SPDX-License-Identifier: MIT
// What a run asks of other workflows: its children, any by id, and the run that comes after it.
#include <stdexcept>
#include <utility>

#include "shared/options_proto.hpp"
#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/machines/cancel_external.hpp"
#include "supervisor/workflow/machines/child.hpp"
#include "supervisor/workflow/machines/child_command.hpp"
#include "supervisor/workflow/machines/signal_external.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

using workflow::detail::ChildStart;
using workflow::detail::FutureState;
using workflow::detail::PlainFuture;
using workflow::detail::Target;

std::shared_ptr<ChildStart> EngineRuntime::start_child(workflow::Call call, ChildOptions options) {
  auto start = std::make_shared<ChildStart>(trampoline());
  if (retired_) return start;
  refuse_if_read_only("start_child");
  show(&workflow::Interceptor::start_child, call, options);
  engine::check(call.name, options);
  const auto id = options.id.empty() ? workflow::uuid4() : std::string(options.id);
  auto command = child_command(call, options, id, machines_.info().task_queue);
  Child::start(machines_, std::move(command), options.on_cancel, start,
               [this] { return cancel_reason_; });
  loop_.cancel_with_scope(start->result);
  return start;
}

PlainFuture EngineRuntime::signal_workflow(const Target& target, workflow::Call signal) {
  auto future = std::make_shared<FutureState>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("external().signal");
  if (target.workflow_id.empty())
    throw std::invalid_argument("workflow::external().signal: a workflow id is needed");
  show(&workflow::Interceptor::signal_workflow, target.workflow_id, signal);
  if (signal.name.empty())
    throw std::invalid_argument("workflow::external().signal: a signal needs a name");
  SignalExternal::send(machines_, signal_command(target, signal), future);
  loop_.cancel_with_scope(future);
  return future;
}

PlainFuture EngineRuntime::cancel_workflow(const Target& target, std::string_view reason) {
  auto future = std::make_shared<FutureState>(trampoline());
  if (retired_) return future;
  refuse_if_read_only("external().cancel");
  if (target.workflow_id.empty())
    throw std::invalid_argument("workflow::external().cancel: a workflow id is needed");
  show(&workflow::Interceptor::cancel_workflow, target.workflow_id, reason);
  const auto asked = [this, future](const std::exception_ptr& error) {
    machines_.resolve([future, error] { error ? future->fail(error) : future->succeed(); });
  };
  CancelExternal::request(machines_, target, std::string(reason), asked);
  return future;
}

void EngineRuntime::prepare(workflow::Call& next, ContinueOptions& options) {
  constexpr auto kZero = Duration::zero();
  const auto refuse = [](const char* why) {
    throw std::invalid_argument("workflow::continue_as_new: " + std::string(why));
  };
  refuse_if_read_only("continue_as_new");
  show(&workflow::Interceptor::continue_as_new, next, options);
  if (options.run_timeout < kZero) refuse("run_timeout must not be negative");
  if (options.task_timeout < kZero) refuse("task_timeout must not be negative");
  if (options.start_delay < kZero) refuse("start_delay must not be negative");
  temporal::check(options.retry, "workflow::continue_as_new");
  continues_ = true;
}

}  // namespace temporal::engine
