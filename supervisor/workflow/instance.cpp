// SPDX-License-Identifier: MIT
#include "supervisor/workflow/instance.hpp"

#include <utility>
#include <variant>

#include "shared/failure_proto.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/close.hpp"
#include "supervisor/workflow/machines/close_command.hpp"
#include "temporal/errors.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

Instance::Instance(const detail::WorkflowDefinition& definition, Machines& machines,
                   EventLoop& loop, EngineRuntime& runtime)
    : definition_(definition), machines_(machines), loop_(loop), runtime_(runtime) {}

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
  // Handlers that came with the start run before run() does, so the object is there before both.
  if (!object_) object_ = definition_.create();
  for (auto& job : jobs)
    if (!std::holds_alternative<ReseedJob>(job)) std::visit([this](auto& one) { apply(one); }, job);
  loop_.run();
  if (task_error_) std::rethrow_exception(task_error_);
  if (closed_) warn_of_unfinished();
}

void Instance::apply(ReseedJob& job) { runtime_.reseed(job.seed); }

void Instance::apply(SignalJob& job) {
  const auto handler = definition_.signals.find(job.name);
  if (handler == definition_.signals.end()) {
    unhandled_signals_.push_back(std::move(job));
    return;
  }
  loop_.start(run_signal(handler->second, std::move(job)));
}

void Instance::apply(StartJob& job) { loop_.start(run_main(std::move(job.arguments))); }

// Not at once: the first step of run() is to see the world before it is cancelled.
void Instance::apply(CancelJob& job) {
  runtime_.note_cancel(std::move(job.reason));
  loop_.start(cancel_turn());
}

void Instance::apply(ResolveJob& job) { job.resolve(); }

Task<void> Instance::run_main(Payloads arguments) {
  Payload result;
  std::exception_ptr error;
  try {
    result = co_await object_->run(std::move(arguments));
  } catch (...) {
    error = std::current_exception();
  }
  error ? end(error) : complete(result);
}

Task<void> Instance::run_signal(const detail::SignalHandler& handler, SignalJob signal) {
  const auto running = running_signals_.insert(running_signals_.end(), signal.name);
  std::exception_ptr error;
  try {
    co_await handler(*object_, std::move(signal.arguments));
  } catch (const detail::InputError& undecodable) {
    // A signal is history: failing the task for it would fail every task from now on.
    runtime_.log().error("a signal was dropped: its arguments do not fit the handler",
                         {{"signal", signal.name}, {"error", undecodable.what()}});
  } catch (...) {
    error = std::current_exception();
  }
  running_signals_.erase(running);
  if (error) end(error);
}

Task<void> Instance::cancel_turn() {
  loop_.cancel_pending();
  co_return;
}

void Instance::complete(const Payload& result) { close(complete_command(result)); }

// A Failure is an outcome; anything else is a bug, and a corrected binary may carry on.
void Instance::end(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const workflow::detail::ContinueAsNew& next) {
    close(continue_command(next, machines_.info(), machines_.started()));
  } catch (const Failure& failure) {
    const bool cancelled = runtime_.cancel_requested() && is_cancelled(failure);
    close(cancelled ? cancel_command(failure) : fail_command(error));
  } catch (...) {
    if (!task_error_) task_error_ = error;
  }
}

void Instance::close(Command command) {
  Close::issue(machines_, std::move(command));
  closed_ = true;
}

void Instance::warn_of_unfinished() {
  if (!running_signals_.empty())
    runtime_.log().warn(
        "[TMPRL1102] the workflow ended while signal handlers were still running: wait for them, "
        "as in co_await wait_condition([&] { return running_ == 0; })",
        {{"signals", running_signals_}});
  if (unhandled_signals_.empty()) return;
  std::vector<std::string> names;
  for (const auto& signal : unhandled_signals_) names.push_back(signal.name);
  runtime_.log().warn("the workflow ended with signals that it has no handler for",
                      {{"signals", names}});
}

}  // namespace temporal::engine
