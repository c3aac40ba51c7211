// SPDX-License-Identifier: MIT
#include "temporal/workflow_interceptor.hpp"

#include <utility>

namespace temporal::workflow {

Interceptor::~Interceptor() = default;

Task<Payload> Interceptor::execute(Call call, const Next<Task<Payload>>& next) {
  return next(std::move(call));
}
Task<void> Interceptor::handle_signal(Call call, const Next<Task<void>>& next) {
  return next(std::move(call));
}
Payload Interceptor::handle_query(Call call, const Next<Payload>& next) {
  return next(std::move(call));
}
void Interceptor::validate_update(Call call, const Next<void>& next) { next(std::move(call)); }
Task<Payload> Interceptor::handle_update(Call call, const Next<Task<Payload>>& next) {
  return next(std::move(call));
}

void Interceptor::execute_activity(Call&, ActivityOptions&) {}
void Interceptor::execute_local_activity(Call&, LocalActivityOptions&) {}
void Interceptor::start_child(Call&, ChildOptions&) {}
void Interceptor::signal_workflow(std::string_view, Call&) {}
void Interceptor::cancel_workflow(std::string_view, std::string_view) {}
void Interceptor::continue_as_new(Call&, ContinueOptions&) {}
void Interceptor::sleep(Duration&, TimerOptions&) {}

}  // namespace temporal::workflow
