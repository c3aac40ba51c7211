// SPDX-License-Identifier: MIT
// What is done in this very worker, without a task of the server's: short work, of which history keeps the result alone.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include "temporal/workflow.hpp"

namespace temporal::workflow {

/// Runs an activity in this worker, in the home it is registered for, with a place of its own
/// (`--max-concurrent-local-activities`). The workflow task stays open meanwhile, and is renewed when
/// that takes long. Nothing is recorded before the end: when the worker dies, it runs again. It
/// cannot heartbeat, nor be completed by others. Throws std::invalid_argument for options that cannot
/// be. The future throws ActivityError, whose cause() says why.
template <auto F, class... Args>
auto execute_local_activity(const LocalActivityOptions& options, Args&&... args)
    -> Future<typename temporal::detail::ActivitySignature<decltype(F)>::Result> {
  using Sig = temporal::detail::ActivitySignature<decltype(F)>;
  return {detail::current().execute_local_activity(detail::call_of<F>(std::forward<Args>(args)...),
                                                   options),
          &detail::take_payload<typename Sig::Result>};
}

/// The same for a name that is known only at run time, or for an activity that was registered under
/// another name.
template <class Result = void, class... Args>
Future<Result> execute_local_activity(std::string_view type, const LocalActivityOptions& options,
                                      Args&&... args) {
  return {detail::current().execute_local_activity(
              detail::call_of(type, std::forward<Args>(args)...), options),
          &detail::take_payload<Result>};
}

/// Calls `work` once, here and now, and records what it returns: every replay gets that. For what is
/// quick and cannot fail but is not the same twice, such as a reading of the environment. It must not
/// change the workflow, nor call workflow::... for anything to happen. What it throws the future
/// throws, as the cause of an ActivityError.
template <std::invocable Work>
auto side_effect(Work&& work) -> Future<std::invoke_result_t<Work&>> {
  using Result = std::invoke_result_t<Work&>;
  static_assert(!std::is_void_v<Result>, "a side effect is there for its result: return one");
  temporal::detail::refuse_twice_destroyed_closure<Work&&>();
  return {detail::current().side_effect([&work] { return to_payload<Result>(work()); }),
          &detail::take_payload<Result>};
}

}  // namespace temporal::workflow
