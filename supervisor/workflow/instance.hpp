// SPDX-License-Identifier: MIT
// The user's object and the coroutines on it: run() and the handlers of signals and updates. Decides what the end of each
// means.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/handler_table.hpp"
#include "supervisor/workflow/job.hpp"
#include "supervisor/workflow/machines.hpp"
#include "temporal/api/update/v1/message.pb.h"
#include "temporal/module.hpp"

namespace temporal::engine {

class Instance {
 public:
  /// `failures`: what fails workflows of any type.
  Instance(const detail::WorkflowDefinition& definition,
           const std::vector<detail::IsFailure>& failures, Machines& machines, EventLoop& loop,
           HandlerTable& handlers, EngineRuntime& runtime);
  /// Evicts: coroutines first, then the object they work on.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// Applies all jobs, then runs user code until it waits. Throws what user code threw that is not
  /// for the workflow to fail with: then the task fails, and nothing of this activation counts.
  void activate(std::vector<Job> jobs);
  /// Null before the first activation.
  [[nodiscard]] const detail::WorkflowObject* object() const noexcept { return object_.get(); }
  /// The workflow is to fail with it, rather than its task.
  [[nodiscard]] bool fails_workflow(const std::exception_ptr& error) const;

 private:
  void apply(ReseedJob& job);
  void apply(SignalJob& job);
  void apply(UpdateJob& job);
  void apply(StartJob& job);
  void apply(CancelJob& job);
  void apply(ResolveJob& job);

  bool make_object(std::vector<Job>& jobs);
  Task<void> run_main(Payloads arguments);
  Task<void> run_signal(HandlerTable::Found<detail::SignalHandler> handler, SignalJob job);
  void handle_kept_signals();
  Task<void> run_update(UpdateJob job);
  bool accept(const detail::UpdateHandler& handler, const UpdateJob& job,
              const workflow::Call& call);
  void reject(const UpdateRequest& update, std::exception_ptr why);
  void answer_update(const UpdateRequest& update, std::exception_ptr error, const Payload& result);
  Task<void> cancel_turn();

  void complete(const Payload& result);
  void end(std::exception_ptr error);
  void close(Command command);
  void fail_task(std::exception_ptr error);
  void warn_of_unfinished();

  const detail::WorkflowDefinition& definition_;
  const std::vector<detail::IsFailure>& failures_;
  Machines& machines_;
  EventLoop& loop_;
  HandlerTable& handlers_;
  EngineRuntime& runtime_;
  std::unique_ptr<detail::WorkflowObject> object_;
  std::exception_ptr task_error_;
  bool closed_ = false;
};

}  // namespace temporal::engine
