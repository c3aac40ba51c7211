// SPDX-License-Identifier: MIT
// The engine as workflow code reaches it. Not for users: they call what is in workflow.hpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "temporal/export.hpp"
#include "temporal/future.hpp"
#include "temporal/handlers.hpp"
#include "temporal/log.hpp"
#include "temporal/memo.hpp"
#include "temporal/metrics.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/scope.hpp"
#include "temporal/search_attributes.hpp"
#include "temporal/task.hpp"
#include "temporal/workflow_info.hpp"
#include "temporal/workflow_interceptor.hpp"

namespace temporal::workflow::detail {

using PayloadFuture = std::shared_ptr<PayloadState>;
using PlainFuture = std::shared_ptr<FutureState>;
using BoolFuture = std::shared_ptr<ValueState<bool>>;

/// Another workflow: a child of this one, or any.
struct Target {
  std::string workflow_id;
  std::string run_id{};  ///< empty: whichever runs
  bool child = false;
};

/// A child's result. Cancelled with a reason if one is set before.
class TEMPORAL_API ChildResult : public PayloadState {
 public:
  using PayloadState::PayloadState;
  ~ChildResult() override;
  std::string cancel_reason;
};

/// A child's start.
class TEMPORAL_API ChildStart : public FutureState,
                                public std::enable_shared_from_this<ChildStart> {
 public:
  explicit ChildStart(temporal::detail::Trampoline& trampoline);
  ~ChildStart() override;
  std::string workflow_id;
  std::string run_id;
  std::shared_ptr<ChildResult> result;
};

/// What workflow code asks of the engine. One per run; found through current().
class TEMPORAL_API Runtime {
 public:
  virtual ~Runtime();
  virtual temporal::detail::Trampoline& trampoline() noexcept = 0;
  virtual PayloadFuture execute_activity(Call call, ActivityOptions options) = 0;
  virtual PayloadFuture execute_local_activity(Call call, LocalActivityOptions options) = 0;
  /// `work` is run now, or never: then its result is in history.
  virtual PayloadFuture side_effect(std::function<Payload()> work) = 0;
  virtual PlainFuture sleep(Duration duration, TimerOptions options) = 0;
  /// Resolved with true when the predicate holds, with false when the timeout came first (none:
  /// never).
  virtual BoolFuture wait_condition(std::function<bool()> predicate,
                                    std::optional<Duration> timeout) = 0;
  /// Starts a coroutine beside the others; its end resolves the future.
  virtual void spawn(Task<void> task, PlainFuture done) = 0;
  /// Cancels what is pending in the scope.
  virtual void cancel(const std::shared_ptr<temporal::detail::Scope>& scope) = 0;
  /// An empty name is the catch-all's. A handler of that name is replaced.
  virtual void set_handler(std::string name, temporal::detail::SignalHandler handler) = 0;
  virtual void set_handler(std::string name, temporal::detail::QueryHandler handler) = 0;
  virtual void set_handler(std::string name, temporal::detail::UpdateHandler handler) = 0;
  virtual bool all_handlers_finished() const = 0;
  virtual void set_current_details(std::string details) = 0;
  virtual bool patched(std::string_view id, bool deprecated) = 0;
  virtual void upsert_search_attributes(const SearchAttributes& changes) = 0;
  virtual void upsert_memo(const Memo& changes) = 0;
  /// Shows them to interceptors. Throws std::invalid_argument for what the server would refuse.
  virtual void prepare(Call& next, ContinueOptions& options) = 0;
  virtual std::shared_ptr<ChildStart> start_child(Call call, ChildOptions options) = 0;
  virtual PlainFuture signal_workflow(const Target& target, Call signal) = 0;
  virtual PlainFuture cancel_workflow(const Target& target, std::string_view reason) = 0;
  virtual Time now() const noexcept = 0;
  virtual Random& random() = 0;
  virtual Random& random(std::string_view stream) = 0;
  virtual const Info& info() const noexcept = 0;
  virtual bool replaying() const noexcept = 0;
  virtual bool cancel_requested() const noexcept = 0;
  virtual std::string_view cancel_reason() const noexcept = 0;
  virtual Logger& log() = 0;
  virtual Metrics& metrics() = 0;
};

/// The run on this thread. Throws std::logic_error with the next step in it when there is none.
TEMPORAL_API Runtime& current();
TEMPORAL_API void set_current(Runtime* runtime) noexcept;

}  // namespace temporal::workflow::detail
