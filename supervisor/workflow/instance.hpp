// SPDX-License-Identifier: MIT
// The user's object and the coroutines on it: run() and the signal handlers. Decides what the end
// of run() means.
#pragma once

#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/workflow/engine_runtime.hpp"
#include "supervisor/workflow/job.hpp"
#include "supervisor/workflow/machines.hpp"
#include "temporal/module.hpp"

namespace temporal::engine {

class Instance {
 public:
  Instance(const detail::WorkflowDefinition& definition, Machines& machines, EventLoop& loop,
           EngineRuntime& runtime);
  /// Evicts: coroutines first, then the object they work on.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// Applies all jobs, then runs user code until it waits. Throws what user code threw that is not
  /// for the workflow to fail with: then the task fails, and nothing of this activation counts.
  void activate(std::vector<Job> jobs);

 private:
  void apply(ReseedJob& job);
  void apply(SignalJob& job);
  void apply(StartJob& job);
  void apply(CancelJob& job);
  void apply(ResolveJob& job);

  Task<void> run_main(Payloads arguments);
  Task<void> run_signal(const detail::SignalHandler& handler, SignalJob signal);
  Task<void> cancel_turn();

  void complete(const Payload& result);
  void end(std::exception_ptr error);
  void close(Command command);
  void warn_of_unfinished();

  const detail::WorkflowDefinition& definition_;
  Machines& machines_;
  EventLoop& loop_;
  EngineRuntime& runtime_;
  std::unique_ptr<detail::WorkflowObject> object_;
  std::list<std::string> running_signals_;
  std::deque<SignalJob> unhandled_signals_;  ///< kept until somebody handles their name
  std::exception_ptr task_error_;
  bool closed_ = false;
};

}  // namespace temporal::engine
