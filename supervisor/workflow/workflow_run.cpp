// SPDX-License-Identifier: MIT
#include "supervisor/workflow/workflow_run.hpp"

#include <exception>
#include <utility>

#include "shared/failure_proto.hpp"
#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/errors.hpp"
#include "supervisor/workflow/event_loop.hpp"
#include "supervisor/workflow/history.hpp"
#include "supervisor/workflow/instance.hpp"
#include "supervisor/workflow/machines.hpp"
#include "supervisor/workflow/machines/close_command.hpp"
#include "supervisor/workflow/queries.hpp"
#include "supervisor/workflow/sizes.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

namespace {

std::string named(const workflow::Info& run) {
  return run.workflow_type + " (workflow id " + run.workflow_id + ", run id " + run.run_id + ")";
}

TaskFailure failure_of(enums::WorkflowTaskFailedCause cause, const char* type, std::string text,
                       std::int64_t event_id) {
  TaskFailure failure;
  failure.cause = cause;
  failure.failure.set_message(text);
  failure.failure.set_source(kFailureSource);
  failure.failure.mutable_application_failure_info()->set_type(type);
  failure.text = std::move(text);
  failure.event_id = event_id;
  return failure;
}

// What user code threw, or what the engine did.
TaskFailure failure_from(std::exception_ptr error, const workflow::Info& run,
                         std::int64_t last_started) {
  constexpr auto kUnhandled = enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;
  try {
    std::rethrow_exception(error);
  } catch (const Nondeterminism& wrong) {
    return failure_of(enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
                      "NondeterminismError",
                      "[TMPRL1100] Nondeterminism " +
                          (wrong.event_id() > 0 ? "at event " + std::to_string(wrong.event_id())
                                                : std::string("at the end of the history")) +
                          " of workflow " + named(run) + ": " + wrong.what() +
                          ". The code no longer does what it did when this was recorded",
                      wrong.event_id());
  } catch (const EngineError& wrong) {
    return failure_of(kUnhandled, "EngineError", "workflow " + named(run) + ": " + wrong.what(),
                      wrong.event_id());
  } catch (...) {
    TaskFailure failure;
    failure.cause = kUnhandled;
    to_failure_proto(error, &failure.failure);
    failure.text = "workflow " + named(run) + " threw " +
                   failure.failure.application_failure_info().type() + ": " +
                   failure.failure.message();
    failure.event_id = last_started;
    return failure;
  }
}

std::string registered_types(const Module& module) {
  std::string names;
  for (const auto& [name, definition] : module.workflows())
    names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

QueryAnswer refused(const Query& query, const std::string& why) {
  QueryAnswer answer{query.id, {}, {}};
  to_failure_proto(ApplicationError(why, {.type = "QueryFailed"}), &answer.failure);
  return answer;
}

}  // namespace

struct WorkflowRun::Parts {
  Parts(const Module& the_module, RunContext the_context, LogSink the_sink,
        std::shared_ptr<Metrics> the_metrics)
      : module(the_module),
        sink(std::move(the_sink)),
        metrics(std::move(the_metrics)),
        machines(std::move(the_context)) {}

  TaskOutcome guarded(const std::function<TaskOutcome()>& step, bool asks = false) noexcept;
  TaskOutcome apply(WorkflowTaskInput task);
  void wake();
  TaskOutcome outcome();
  [[nodiscard]] bool ends_by(const Nondeterminism& wrong) const;
  [[nodiscard]] TaskFailure failure_of_task(std::exception_ptr error) const {
    return failure_from(std::move(error), machines.info(), machines.last_started_event_id());
  }
  void find_definition();
  [[nodiscard]] std::size_t count_bytes();

  const Module& module;
  const LogSink sink;
  const std::shared_ptr<Metrics> metrics;
  History history;
  Machines machines;
  EventLoop loop;
  HandlerTable handlers;
  EngineRuntime runtime{machines, loop, handlers, {sink, metrics.get(), module.activates_patch()}};
  std::unique_ptr<Instance> instance;  // goes first: user code may use all of the above
  std::size_t bytes = 0;
  bool broken = false;
};

void WorkflowRun::Parts::find_definition() {
  if (instance) return;
  const auto* definition = module.find_workflow(machines.info().workflow_type);
  if (!definition)
    throw EngineError(0, "no workflow of this type is registered with this worker; registered: " +
                             registered_types(module));
  instance = std::make_unique<Instance>(*definition, module.workflow_failures(), machines, loop,
                                        handlers, runtime);
}

// Its class asked for that. Not in the replay tool, which is there to tell.
bool WorkflowRun::Parts::ends_by(const Nondeterminism& wrong) const {
  return !machines.replay_only() && instance &&
         instance->fails_workflow(std::make_exception_ptr(wrong));
}

std::size_t WorkflowRun::Parts::count_bytes() {
  auto count = sizeof *this + history.bytes() + machines.bytes() + loop.bytes();
  for (const auto& signal : handlers.unhandled_signals) count += size_of(signal.call.arguments);
  return count;
}

TaskOutcome WorkflowRun::Parts::apply(WorkflowTaskInput task) {
  find_definition();
  history.add(std::move(task.history), true);
  if (history.last_event_id() < task.started_event_id)
    throw EngineError(history.last_event_id(), "history ended early: its last event is " +
                                                   std::to_string(history.last_event_id()) +
                                                   ", the task starts with " +
                                                   std::to_string(task.started_event_id));
  machines.begin_task(task.previous_started_event_id);
  for (auto& update : task.updates)
    if (update.sequenced_after == 0) update.sequenced_after = task.started_event_id - 1;
  history.expect_updates(task.updates.empty() ? 0 : task.updates.front().sequenced_after);
  machines.receive(std::move(task.updates));
  while (history.look() == History::Next::chunk) {
    const auto chunk = history.take();
    machines.apply(chunk, history);
    if (chunk.wakes) wake();
  }
  return outcome();
}

// What came with events, then the ends of local activities one by one.
void WorkflowRun::Parts::wake() {
  auto jobs = machines.take_jobs();
  for (;;) {
    if (!jobs.empty()) {
      instance->activate(std::move(jobs));
      machines.end_activation();
    }
    if (machines.finished() || !machines.locals().deliver()) return;
    jobs = machines.take_jobs();
  }
}

TaskOutcome WorkflowRun::Parts::outcome() {
  TaskOutcome outcome;
  outcome.commands = machines.commands();
  outcome.messages = machines.messages();
  outcome.sdk_metadata = machines.sdk_metadata();
  outcome.finished = machines.finished();
  outcome.local_calls = machines.locals().take_calls();
  outcome.local_cancels = machines.locals().take_cancels();
  outcome.waits = !outcome.finished && machines.locals().waits();
  bytes = count_bytes();
  return outcome;
}

// `asks`: there is no task whose answer could end the workflow.
TaskOutcome WorkflowRun::Parts::guarded(const std::function<TaskOutcome()>& step,
                                        bool asks) noexcept {
  TaskOutcome outcome;
  try {
    if (broken) throw EngineError(0, "this run failed a task before and is to be forgotten");
    return step();
  } catch (const Nondeterminism& wrong) {
    if (!asks && ends_by(wrong)) {
      outcome.commands.push_back(fail_command(std::current_exception()));
      outcome.finished = true;
      return outcome;
    }
    outcome.failure = failure_of_task(std::current_exception());
  } catch (...) {
    outcome.failure = failure_of_task(std::current_exception());
  }
  broken = true;
  return outcome;
}

WorkflowRun::WorkflowRun(const Module& module, RunContext context, LogSink log,
                         std::shared_ptr<Metrics> metrics)
    : parts_(std::make_unique<Parts>(module, std::move(context), std::move(log),
                                     std::move(metrics))) {}

WorkflowRun::~WorkflowRun() = default;

TaskOutcome WorkflowRun::activate(WorkflowTaskInput task) noexcept {
  const bool asks = task.started_event_id == 0;
  return parts_->guarded([&] { return parts_->apply(std::move(task)); }, asks);
}

TaskOutcome WorkflowRun::resolve(LocalResult result) noexcept {
  return parts_->guarded([&] {
    parts_->machines.locals().report(std::move(result));
    parts_->wake();
    return parts_->outcome();
  });
}

QueryAnswer WorkflowRun::answer(const Query& query) noexcept {
  auto& parts = *parts_;
  try {
    if (parts.broken || !parts.instance || !parts.instance->object())
      return refused(query,
                     "the workflow cannot be asked: it has done nothing yet, or its last "
                     "task failed");
    return answer_query(query, {*parts.instance->object(), parts.handlers, parts.machines.info(),
                                parts.loop.trampoline(), parts.runtime});
  } catch (...) {
    QueryAnswer answer{query.id, {}, {}};
    to_failure_proto(std::current_exception(), &answer.failure);
    return answer;
  }
}

void WorkflowRun::roll_back_to(std::int64_t started_event_id) noexcept {
  constexpr std::int64_t kScheduledAndStarted = 2;
  parts_->history.forget_newest(kScheduledAndStarted);
  parts_->machines.roll_back_to(started_event_id);
}

bool WorkflowRun::finished() const noexcept { return parts_->machines.finished(); }

std::int64_t WorkflowRun::last_started_event_id() const noexcept {
  return parts_->machines.last_started_event_id();
}

std::size_t WorkflowRun::bytes() const noexcept { return parts_->bytes; }

const workflow::Info& WorkflowRun::info() const noexcept { return parts_->machines.info(); }

}  // namespace temporal::engine
