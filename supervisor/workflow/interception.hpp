// SPDX-License-Identifier: MIT
// The way in: through a run's interceptors, in the order they were added, to the user's code.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "temporal/workflow_interceptor.hpp"

namespace temporal::engine {

using workflow::Interceptor;
using workflow::detail::Interceptors;

template <class Result>
using Step = Result (Interceptor::*)(workflow::Call, const Interceptor::Next<Result>&);

namespace interception {

template <class T>
Task<T> enter_from(std::size_t index, const Interceptors& interceptors, Step<Task<T>> step,
                   workflow::Call call, const Interceptor::Next<Task<T>>& code) {
  // Named, because it has to live as long as the call.
  const Interceptor::Next<Task<T>> next = [&](workflow::Call passed) {
    return index + 1 == interceptors.size()
               ? code(std::move(passed))
               : enter_from<T>(index + 1, interceptors, step, std::move(passed), code);
  };
  co_return co_await ((*interceptors[index]).*step)(std::move(call), next);
}

template <class T>
Task<T> enter_first(const Interceptors& interceptors, Step<Task<T>> step, workflow::Call call,
                    Interceptor::Next<Task<T>> code) {
  co_return co_await enter_from<T>(0, interceptors, step, std::move(call), code);
}

}  // namespace interception

/// Where there is no interceptor it costs nothing: `code` makes the task.
template <class T, class Code>
Task<T> enter(const Interceptors& interceptors, Step<Task<T>> step, workflow::Call call,
              Code code) {
  if (interceptors.empty()) return code(std::move(call));
  return interception::enter_first<T>(interceptors, step, std::move(call), std::move(code));
}

/// For what is answered at once.
template <class Result, class Code>
Result enter_now(const Interceptors& interceptors, Step<Result> step, const workflow::Call& call,
                 const Code& code, std::size_t index = 0) {
  if (index == interceptors.size()) return code(call);
  return ((*interceptors[index]).*step)(call, [&](const workflow::Call& passed) {
    return enter_now<Result>(interceptors, step, passed, code, index + 1);
  });
}

}  // namespace temporal::engine
