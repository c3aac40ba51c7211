// SPDX-License-Identifier: MIT
// What workflow code may call. Everything here is replayed: it gives the same answers, in the same
// order, each time the run is rebuilt from its history. All of it throws std::logic_error outside
// workflow code.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "temporal/errors.hpp"
#include "temporal/export.hpp"
#include "temporal/future.hpp"
#include "temporal/handlers.hpp"
#include "temporal/log.hpp"
#include "temporal/memo.hpp"
#include "temporal/metrics.hpp"
#include "temporal/names.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"
#include "temporal/scope.hpp"
#include "temporal/search_attributes.hpp"
#include "temporal/signature.hpp"
#include "temporal/task.hpp"
#include "temporal/workflow_info.hpp"
#include "temporal/workflow_runtime.hpp"

namespace temporal::workflow {

namespace detail {

/// Resolved when all are, or fails with the first failure.
TEMPORAL_API PlainFuture all_done(const std::vector<PlainFuture>& states);

template <class T>
Future<> all_of(const std::vector<Future<T>>& futures) {
  std::vector<PlainFuture> states;
  states.reserve(futures.size());
  for (const auto& future : futures) states.push_back(future.state());
  return {all_done(states), &take_nothing};
}

/// Of an activity that is known, or of anything by its name.
template <auto F, class... Args>
Call call_of(Args&&... args) {
  using Parameters = typename temporal::detail::ActivitySignature<decltype(F)>::Parameters;
  static_assert(temporal::detail::accepts<Parameters, Args...>,
                "these arguments do not fit the activity: count and types must be those of its "
                "parameters (activity::Context& left out)");
  temporal::detail::refuse_twice_destroyed<Args&&...>();
  return {std::string(name_of<F>()),
          temporal::detail::encode_arguments(Parameters{}, std::forward<Args>(args)...),
          {}};
}
template <class... Args>
Call call_of(std::string_view name, Args&&... args) {
  temporal::detail::refuse_twice_destroyed<Args&&...>();
  return {std::string(name), temporal::detail::encode_plain(args...), {}};
}

}  // namespace detail

/// Starts an activity at once. Throws std::invalid_argument when neither start-to-close nor
/// schedule-to-close is set. The future throws ActivityError, whose cause() says why.
template <auto F, class... Args>
auto execute_activity(const ActivityOptions& options, Args&&... args)
    -> Future<typename temporal::detail::ActivitySignature<decltype(F)>::Result> {
  using Sig = temporal::detail::ActivitySignature<decltype(F)>;
  return {
      detail::current().execute_activity(detail::call_of<F>(std::forward<Args>(args)...), options),
      &detail::take_payload<typename Sig::Result>};
}

/// The same for a name that is known only at run time, or for an activity that was registered under
/// another name.
template <class Result = void, class... Args>
Future<Result> execute_activity(std::string_view type, const ActivityOptions& options,
                                Args&&... args) {
  return {detail::current().execute_activity(detail::call_of(type, std::forward<Args>(args)...),
                                             options),
          &detail::take_payload<Result>};
}

/// A durable timer: it survives restarts. Throws Cancelled when it is cancelled. Below 1 ms it is one
/// of 1 ms; zero or less is no timer, it only lets the others go first.
inline Future<> sleep(Duration duration, const TimerOptions& options = {}) {
  return {detail::current().sleep(duration, options), &detail::take_nothing};
}

/// Waits until the predicate holds. It is evaluated whenever something happened in this run; it
/// must only look.
template <std::predicate Predicate>
Future<> wait_condition(Predicate&& predicate) {
  temporal::detail::refuse_twice_destroyed_closure<Predicate&&>();
  return {detail::current().wait_condition(std::forward<Predicate>(predicate), std::nullopt),
          &detail::take_nothing};
}

/// The same with a timeout: true when the predicate held in time. No timer when it holds already.
template <std::predicate Predicate>
Future<bool> wait_condition(Predicate&& predicate, Duration timeout) {
  temporal::detail::refuse_twice_destroyed_closure<Predicate&&>();
  return {detail::current().wait_condition(std::forward<Predicate>(predicate), timeout),
          &detail::take_value<bool>};
}

namespace detail {

/// On its way to the engine. Not a std::exception: `catch (const std::exception&)` must not swallow
/// it by accident.
class TEMPORAL_API ContinueAsNew {
 public:
  ContinueAsNew(Call next, const ContinueOptions& options);
  ContinueAsNew(const ContinueAsNew&);
  ~ContinueAsNew();
  Call call;
  std::string task_queue;
  Duration run_timeout;
  Duration task_timeout;
  RetryPolicy retry;  ///< without its error types: those are views
  std::vector<std::string> non_retryable;
  std::optional<Memo> memo;
  std::optional<SearchAttributes> search_attributes;
  Duration start_delay;
  ContinueVersion version;
};

[[noreturn]] TEMPORAL_API void throw_continue_as_new(Call next, ContinueOptions options);

}  // namespace detail

/// Ends this run and starts a new one with the same id and an empty history. What the options leave
/// open is taken over, memo and search attributes with the values they have now. Never returns: let
/// what it throws pass. Throws std::invalid_argument for options that no server would take.
template <class W, class... Args>
[[noreturn]] void continue_as_new(const ContinueOptions& options, Args&&... args) {
  using Parameters = typename temporal::detail::Signature<decltype(&W::run)>::Parameters;
  static_assert(temporal::detail::accepts<Parameters, Args...>,
                "these arguments do not fit the workflow's run(): count and types must be those of "
                "its parameters");
  temporal::detail::refuse_twice_destroyed<Args&&...>();
  detail::throw_continue_as_new(
      {std::string(type_name_of<W>()),
       temporal::detail::encode_arguments(Parameters{}, std::forward<Args>(args)...),
       {}},
      options);
}

/// The same for a name that is known only at run time, or for a workflow that was registered under
/// another name.
template <class... Args>
[[noreturn]] void continue_as_new(std::string_view type, const ContinueOptions& options,
                                  Args&&... args) {
  detail::throw_continue_as_new(detail::call_of(type, std::forward<Args>(args)...), options);
}

namespace detail {

template <class T>
Task<void> drive(Task<T> task, std::shared_ptr<ValueState<T>> done) {
  done->value.emplace(co_await std::move(task));
}

}  // namespace detail

/// Runs a coroutine beside the others. It starts when the caller next waits.
template <class T>
Future<T> spawn(Task<T> task) {
  auto& runtime = detail::current();
  if constexpr (std::is_void_v<T>) {
    auto done = std::make_shared<detail::FutureState>(runtime.trampoline());
    runtime.spawn(std::move(task), done);
    return {done, &detail::take_nothing};
  } else {
    auto done = std::make_shared<detail::ValueState<T>>(runtime.trampoline());
    runtime.spawn(detail::drive(std::move(task), done), done);
    return {done, &detail::take_value<T>};
  }
}

/// Waits for all, results in order. The first failure to happen is thrown at once; the others run
/// on.
template <class T>
Task<std::vector<T>> all(std::vector<Future<T>> futures) {
  auto done = detail::all_of(futures);
  co_await done;
  std::vector<T> results;
  results.reserve(futures.size());
  for (auto& future : futures) results.push_back(future.get());
  co_return results;
}

inline Task<void> all(std::vector<Future<>> futures) {
  auto done = detail::all_of(futures);
  co_await done;
}

/// No handler of a signal or an update is in the middle of its work.
[[nodiscard]] TEMPORAL_API bool all_handlers_finished();
/// The update whose handler this is, or that called this; none elsewhere.
[[nodiscard]] TEMPORAL_API std::optional<UpdateInfo> current_update();
/// What the UI shows of this run now, as Markdown; kept only for the query that asks.
TEMPORAL_API void set_current_details(std::string details);

/// The time of the current workflow task, not of the clock on the wall.
[[nodiscard]] TEMPORAL_API Time now();
[[nodiscard]] TEMPORAL_API const Info& info();
[[nodiscard]] TEMPORAL_API Random& random();
/// A stream of its own: what draws from it does not shift what others draw.
[[nodiscard]] TEMPORAL_API Random& random(std::string_view stream);
/// Version 4, from random().
[[nodiscard]] TEMPORAL_API std::string uuid4();
/// Version 7, from now() and random(): later ones sort after earlier ones of this run.
[[nodiscard]] TEMPORAL_API std::string uuid7();
/// Silent while history is replayed.
[[nodiscard]] TEMPORAL_API Logger& log();
/// Of this type of workflow, shown where those of activities are. Silent while history is replayed.
[[nodiscard]] TEMPORAL_API Metrics& metrics();
/// For guarding what must not happen twice outside the workflow. Never for a decision.
[[nodiscard]] TEMPORAL_API bool is_replaying();
/// True once somebody asked for this run's cancellation.
[[nodiscard]] TEMPORAL_API bool is_cancelled();
/// What was said when it was asked for; empty when nothing was, or nobody asked.
[[nodiscard]] TEMPORAL_API std::string_view cancellation_reason();
/// The server would like this run to end by continue_as_new(): its history grows long.
[[nodiscard]] TEMPORAL_API bool continue_as_new_suggested();

/// Guards a change of code that runs are in the middle of: true in runs that come here for the first
/// time from now on, false in those whose history shows that they passed by before the change. The
/// answer is recorded, and stays the same for the life of the run. Throws std::invalid_argument for
/// an empty id.
[[nodiscard]] TEMPORAL_API bool patched(std::string_view id);
/// In place of patched(), once no run needs the old path any more: the call may be removed when no
/// run is left that was recorded before *this* one was there.
TEMPORAL_API void deprecate_patch(std::string_view id);

/// What this run can be searched for by, as info() has it too.
[[nodiscard]] TEMPORAL_API const SearchAttributes& search_attributes();
/// Sets and unsets; in force at once. The namespace must know the names: otherwise the server fails
/// the task. Throws std::invalid_argument for TemporalChangeVersion, which belongs to patched().
TEMPORAL_API void upsert_search_attributes(const SearchAttributes& changes);
template <class... More>
void upsert_search_attributes(const SearchAttributeUpdate& first, const More&... more) {
  upsert_search_attributes(SearchAttributes(first, more...));
}

/// The notes on this run, as info() has them too.
[[nodiscard]] TEMPORAL_API const Memo& memo();
/// Sets, and removes what is null; in force at once.
TEMPORAL_API void upsert_memo(const Memo& changes);
template <class T>
void upsert_memo(std::string_view name, const T& value) {
  Memo changes;
  changes.set(name, value);
  upsert_memo(changes);
}

}  // namespace temporal::workflow

// The rest of what workflow code may call stands on the above.
#include "temporal/dynamic_handlers.hpp"
#include "temporal/local_activities.hpp"
#include "temporal/other_workflows.hpp"
#include "temporal/race.hpp"
