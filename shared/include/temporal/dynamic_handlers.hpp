// SPDX-License-Identifier: MIT
// Handlers that a workflow sets while it runs, from closures.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "temporal/handlers.hpp"
#include "temporal/workflow.hpp"

namespace temporal::workflow {

namespace detail {

template <class Handler>
temporal::detail::SignalHandler signal_closure(Handler handler, const SignalRegistration& how) {
  using Sig = temporal::detail::HandlerSignature<Handler>;
  temporal::detail::require_signal<Sig>();
  return {std::string(how.description), how.unfinished,
          [call = std::make_shared<Handler>(std::move(handler))](
              temporal::detail::WorkflowObject&, std::string name, Payloads payloads) {
            return temporal::detail::run_signal<Sig>(
                [call](auto&&... values) { return (*call)(std::move(values)...); }, std::move(name),
                std::move(payloads));
          }};
}

template <class Handler>
temporal::detail::QueryHandler query_closure(Handler handler, const QueryRegistration& how) {
  using Sig = temporal::detail::HandlerSignature<Handler>;
  temporal::detail::require_query<Sig>();
  return {std::string(how.description),
          [call = std::move(handler)](const temporal::detail::WorkflowObject&,
                                      const std::string& name, const Payloads& payloads) {
            return temporal::detail::answer_query<Sig>(
                [&call](auto&&... values) { return call(std::move(values)...); }, name, payloads);
          }};
}

template <class Handler, class Validator>
temporal::detail::UpdateHandler update_closure(Handler handler, Validator validator,
                                               const UpdateRegistration& how) {
  using Sig = temporal::detail::HandlerSignature<Handler>;
  temporal::detail::UpdateHandler result{std::string(how.description), how.unfinished, {}, {}};
  result.run = [call = std::make_shared<Handler>(std::move(handler))](
                   temporal::detail::WorkflowObject&, std::string name, Payloads payloads) {
    return temporal::detail::run_update<Sig>(
        [call](auto&&... values) { return (*call)(std::move(values)...); }, std::move(name),
        std::move(payloads));
  };
  if constexpr (std::is_null_pointer_v<Validator>) {
    result.check = [](const temporal::detail::WorkflowObject&, const std::string& name,
                      const Payloads& payloads) {
      (void)temporal::detail::handler_arguments<Sig>(name, payloads);
    };
  } else {
    using Check = temporal::detail::HandlerSignature<Validator>;
    temporal::detail::require_validator<Check, Sig>();
    result.check = [check = std::move(validator)](const temporal::detail::WorkflowObject&,
                                                  const std::string& name,
                                                  const Payloads& payloads) {
      temporal::detail::check_update<Check>([&check](const auto&... values) { check(values...); },
                                            name, payloads);
    };
  }
  return result;
}

}  // namespace detail

/// Handlers that are set while the workflow runs. A closure takes the arguments, or, for a catch-all, the name and the raw
/// Payloads; it lives as long as the run and its calls. A handler of the same name is replaced. Signals that came before
/// theirs was set are handled now, in the order they came.
template <class Handler>
void set_signal_handler(std::string name, Handler handler, const SignalRegistration& how = {}) {
  detail::current().set_handler(std::move(name), detail::signal_closure(std::move(handler), how));
}
template <class Handler>
void set_query_handler(std::string name, Handler handler, const QueryRegistration& how = {}) {
  detail::current().set_handler(std::move(name), detail::query_closure(std::move(handler), how));
}
template <class Handler, class Validator = std::nullptr_t>
void set_update_handler(std::string name, Handler handler, Validator validator = {},
                        const UpdateRegistration& how = {}) {
  detail::current().set_handler(
      std::move(name), detail::update_closure(std::move(handler), std::move(validator), how));
}
template <class Handler>
void set_dynamic_signal_handler(Handler handler, const SignalRegistration& how = {}) {
  detail::current().set_handler({}, detail::signal_closure(std::move(handler), how));
}
template <class Handler>
void set_dynamic_query_handler(Handler handler, const QueryRegistration& how = {}) {
  detail::current().set_handler({}, detail::query_closure(std::move(handler), how));
}
template <class Handler, class Validator = std::nullptr_t>
void set_dynamic_update_handler(Handler handler, Validator validator = {},
                                const UpdateRegistration& how = {}) {
  detail::current().set_handler(
      {}, detail::update_closure(std::move(handler), std::move(validator), how));
}

}  // namespace temporal::workflow
