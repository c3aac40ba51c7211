// SPDX-License-Identifier: MIT
// The one copy in a process of what workflow code finds through a thread: an inline thread_local in
// a header would be another object in each module.
#include <stdexcept>

#include "temporal/activity.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"
#include "temporal/trampoline.hpp"
#include "temporal/workflow.hpp"

namespace temporal {

Logger::~Logger() = default;

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
  }
  return "info";
}

namespace detail {

namespace {
thread_local Trampoline* this_trampoline = nullptr;
}  // namespace

Trampoline* current_trampoline() noexcept { return this_trampoline; }
void set_current_trampoline(Trampoline* trampoline) noexcept { this_trampoline = trampoline; }

WorkflowObject::~WorkflowObject() = default;

}  // namespace detail

namespace activity {

detail::ContextBackend::~ContextBackend() = default;

void Context::beat(std::string_view encoding, std::string_view details) {
  backend_->heartbeat(encoding, details);
  throw_if_cancelled();
}

void Context::throw_if_cancelled() const {
  if (auto reason = cancel_reason())
    throw Cancelled("the activity was told to stop: " + std::string(to_string(*reason)), {},
                    *reason);
}

}  // namespace activity

namespace workflow {
namespace detail {

namespace {
thread_local Runtime* this_run = nullptr;
}  // namespace

Runtime::~Runtime() = default;

Runtime& current() {
  if (!this_run)
    throw std::logic_error(
        "temporal::workflow functions work inside workflow code only: call them from run() or a "
        "handler, not from an activity, a thread or a destructor after the run was evicted");
  return *this_run;
}

void set_current(Runtime* runtime) noexcept {
  this_run = runtime;
  temporal::detail::set_current_trampoline(runtime ? &runtime->trampoline() : nullptr);
}

}  // namespace detail

Time now() { return detail::current().now(); }
const Info& info() { return detail::current().info(); }
Random& random() { return detail::current().random(); }
Logger& log() { return detail::current().log(); }
bool is_replaying() { return detail::current().replaying(); }
bool is_cancelled() { return detail::current().cancel_requested(); }

}  // namespace workflow
}  // namespace temporal
