// SPDX-License-Identifier: MIT
// What is done around the workflows of a module: tracing, checking, handing on what a caller attached. It runs inside workflow
// code, and is replayed with it: the same rules hold.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "temporal/export.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/task.hpp"

namespace temporal::workflow {

/// What travels beside arguments, for who comes in between. Not through a codec unless the worker
/// says `--header-codec`.
using Headers = std::map<std::string, Payload>;

/// A call on its way into a run, or out of it.
struct Call {
  std::string name;  ///< of the workflow's type, signal, query, update or activity
  Payloads arguments;
  Headers headers;
};

/// Each run has an object of its own, made before the workflow's and destroyed after it.
///
/// What comes in is awaited: `next` runs the interceptors after this one, then the user's code, and
/// lives until this call ends. What they throw counts as the user's code's own: a Failure that leaves
/// execute() fails the workflow, one that leaves validate() refuses the update. queries and
/// validators must only look.
///
/// What goes out is shown once, just before it becomes a command, to the interceptors in the order
/// they were added: what they change is what is sent. Options hold views: what they point to has to
/// live until the call, in a member, say. What is thrown reaches who called.
class TEMPORAL_API Interceptor {
 public:
  template <class Result>
  using Next = std::function<Result(Call)>;

  virtual ~Interceptor();

  /// Around run().
  virtual Task<Payload> execute(Call call, const Next<Task<Payload>>& next);
  virtual Task<void> handle_signal(Call call, const Next<Task<void>>& next);
  virtual Payload handle_query(Call call, const Next<Payload>& next);
  /// Not called when history is replayed: it says that the update was accepted.
  virtual void validate_update(Call call, const Next<void>& next);
  /// current_update() has its id.
  virtual Task<Payload> handle_update(Call call, const Next<Task<Payload>>& next);

  virtual void execute_activity(Call& call, ActivityOptions& options);
  virtual void execute_local_activity(Call& call, LocalActivityOptions& options);
  virtual void start_child(Call& call, ChildOptions& options);
  /// To a child too.
  virtual void signal_workflow(std::string_view workflow_id, Call& call);
  virtual void cancel_workflow(std::string_view workflow_id, std::string_view reason);
  virtual void continue_as_new(Call& call, ContinueOptions& options);
  /// Also for the timeout of wait_condition().
  virtual void sleep(Duration& duration, TimerOptions& options);
};

namespace detail {

using Interceptors = std::vector<std::unique_ptr<Interceptor>>;
/// How those of a module are made.
using InterceptorMakers = std::vector<std::function<std::unique_ptr<Interceptor>()>>;

}  // namespace detail

}  // namespace temporal::workflow
