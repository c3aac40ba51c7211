// SPDX-License-Identifier: MIT
#include "supervisor/workflow/instance.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <variant>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/interception.hpp"
#include "supervisor/workflow/machines/close.hpp"
#include "supervisor/workflow/machines/close_command.hpp"
#include "temporal/errors.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

Instance::Instance(const detail::WorkflowDefinition& definition,
                   const std::vector<detail::IsFailure>& failures, Machines& machines,
                   EventLoop& loop, HandlerTable& handlers, EngineRuntime& runtime)
    : definition_(definition),
      failures_(failures),
      machines_(machines),
      loop_(loop),
      handlers_(handlers),
      runtime_(runtime) {
  handlers_.bind(definition_.handlers);
  runtime_.on_signal_handler([this] { handle_kept_signals(); });
}

Instance::~Instance() {
  runtime_.retire();
  const Current current(runtime_);
  loop_.destroy();
  object_.reset();
}

void Instance::activate(std::vector<Job> jobs) {
  const Current current(runtime_);
  for (auto& job : jobs)
    if (std::holds_alternative<ReseedJob>(job)) apply(std::get<ReseedJob>(job));
  if (object_ || make_object(jobs)) {
    for (auto& job : jobs)
      if (!std::holds_alternative<ReseedJob>(job))
        std::visit([this](auto& one) { apply(one); }, job);
    loop_.run();
  }
  if (task_error_) std::rethrow_exception(task_error_);
  if (closed_) warn_of_unfinished();
}

// Handlers that came with the start run before run() does, so the object is there before both.
bool Instance::make_object(std::vector<Job>& jobs) {
  static const Payloads kNone;
  const Payloads* arguments = &kNone;
  for (const auto& job : jobs)
    if (const auto* start = std::get_if<StartJob>(&job)) arguments = &start->arguments;
  try {
    if (definition_.interceptors) runtime_.make_interceptors(*definition_.interceptors);
    object_ = definition_.create(*arguments);
  } catch (...) {
    end(std::current_exception());
  }
  return object_ != nullptr;
}

void Instance::apply(ReseedJob& job) { runtime_.reseed(job.seed); }

void Instance::apply(SignalJob& job) {
  auto handler = handlers_.signal(job.call.name);
  if (handler) {
    loop_.start(run_signal(std::move(handler), std::move(job)));
  } else {
    handlers_.unhandled_signals.push_back(std::move(job));
  }
}

void Instance::apply(UpdateJob& job) {
  const auto& request = job.update->request;
  auto scope = std::make_shared<temporal::detail::Scope>();
  scope->update = std::make_shared<const workflow::UpdateInfo>(
      workflow::UpdateInfo{job.update->instance_id, request.input().name()});
  loop_.start(run_update(std::move(job)), std::move(scope));
}

void Instance::apply(StartJob& job) { loop_.start(run_main(std::move(job.arguments))); }

// Not at once: the first step of run() is to see the world before it is cancelled.
void Instance::apply(CancelJob& job) {
  runtime_.note_cancel(std::move(job.reason));
  loop_.start(cancel_turn());
}

void Instance::apply(ResolveJob& job) { job.resolve(); }

// Handlers are set by name: in the order of arrival those that can be handled now, no others.
void Instance::handle_kept_signals() {
  auto& kept = handlers_.unhandled_signals;
  for (auto signal = kept.begin(); signal != kept.end();) {
    auto handler = handlers_.signal(signal->call.name);
    if (!handler) {
      ++signal;
      continue;
    }
    loop_.start(run_signal(std::move(handler), std::move(*signal)), nullptr);
    signal = kept.erase(signal);
  }
}

Task<void> Instance::run_main(Payloads arguments) {
  Payload result;
  std::exception_ptr error;
  try {
    auto run =
        enter(runtime_.interceptors(), &workflow::Interceptor::execute,
              {machines_.info().workflow_type, std::move(arguments), machines_.info().headers},
              [this](workflow::Call call) {
                return object_->run(std::move(call.name), std::move(call.arguments));
              });
    result = co_await std::move(run);
  } catch (...) {
    error = std::current_exception();
  }
  error ? end(error) : complete(result);
}

Task<void> Instance::run_signal(HandlerTable::Found<detail::SignalHandler> handler, SignalJob job) {
  const auto name = job.call.name;
  const auto running =
      handlers_.running.insert(handlers_.running.end(), {name, {}, handler->unfinished});
  std::exception_ptr error;
  try {
    auto run =
        enter(runtime_.interceptors(), &workflow::Interceptor::handle_signal, std::move(job.call),
              [this, &handler](workflow::Call call) {
                return handler->run(*object_, std::move(call.name), std::move(call.arguments));
              });
    co_await std::move(run);
  } catch (const detail::InputError& undecodable) {
    // A signal is history: failing the task for it would fail every task from now on.
    runtime_.log().error("a signal was dropped: its arguments do not fit the handler",
                         {{"signal", name}, {"error", undecodable.what()}});
  } catch (...) {
    error = std::current_exception();
  }
  handlers_.running.erase(running);
  if (error) end(error);
}

Task<void> Instance::cancel_turn() {
  loop_.cancel_pending(nullptr);
  co_return;
}

void Instance::complete(const Payload& result) {
  // Not where a handler has continued it already: then run() returns too late to matter.
  if (runtime_.continues() && !closed_)
    return fail_task(std::make_exception_ptr(
        std::logic_error("the run was to continue as new, and returned: what continue_as_new() "
                         "throws was caught; let it pass, as catch (...) { ...; throw; } does")));
  close(complete_command(result));
}

bool Instance::fails_workflow(const std::exception_ptr& error) const {
  const auto is_listed = [&](const detail::IsFailure& listed) { return listed(error); };
  return std::ranges::any_of(definition_.failures, is_listed) ||
         std::ranges::any_of(failures_, is_listed);
}

// A Failure is an outcome; anything else is a bug, and a corrected binary may carry on.
void Instance::end(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const workflow::detail::ContinueAsNew& next) {
    close(continue_command(next, machines_.info(), machines_.retry_policy()));
  } catch (const Failure& failure) {
    const bool cancelled = runtime_.cancel_requested() && is_cancelled(failure);
    close(cancelled ? cancel_command(failure) : fail_command(error));
  } catch (...) {
    fails_workflow(error) ? close(fail_command(error)) : fail_task(error);
  }
}

void Instance::fail_task(std::exception_ptr error) {
  if (!task_error_) task_error_ = std::move(error);
}

void Instance::close(Command command) {
  Close::issue(machines_, std::move(command));
  closed_ = true;
}

void Instance::warn_of_unfinished() {
  std::vector<std::string> signals;
  LogFields updates = LogFields::array();
  for (const auto& running : handlers_.running) {
    if (running.unfinished == Unfinished::abandon) continue;
    if (running.update_id.empty())
      signals.push_back(running.name);
    else
      updates.push_back({{"name", running.name}, {"id", running.update_id}});
  }
  constexpr auto kNext =
      ": wait for them, as in co_await wait_condition([] { return all_handlers_finished(); }), or "
      "register them with Unfinished::abandon";
  if (!signals.empty())
    runtime_.log().warn(
        std::string("[TMPRL1102] the workflow ended while signal handlers were still running") +
            kNext,
        {{"signals", signals}});
  if (!updates.empty())
    runtime_.log().warn(
        std::string("[TMPRL1102] the workflow ended while update handlers were still running; who "
                    "asked for them gets an error") +
            kNext,
        {{"updates", updates}});
  if (handlers_.unhandled_signals.empty()) return;
  std::vector<std::string> names;
  for (const auto& signal : handlers_.unhandled_signals) names.push_back(signal.call.name);
  runtime_.log().warn("the workflow ended with signals that it has no handler for",
                      {{"signals", names}});
}

}  // namespace temporal::engine
