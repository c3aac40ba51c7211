// SPDX-License-Identifier: MIT
// The one copy in a process of what workflow code finds through a thread: an inline thread_local in
// a header would be another object in each module.
#include <stdexcept>

#include "temporal/log.hpp"
#include "temporal/metrics.hpp"
#include "temporal/module.hpp"
#include "temporal/trampoline.hpp"
#include "temporal/workflow.hpp"

namespace temporal {

Logger::~Logger() = default;

Metrics::~Metrics() = default;

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

namespace workflow {
namespace detail {

namespace {
thread_local Runtime* this_run = nullptr;
}  // namespace

Runtime::~Runtime() = default;

ChildResult::~ChildResult() = default;
ChildStart::ChildStart(temporal::detail::Trampoline& trampoline)
    : FutureState(trampoline), result(std::make_shared<ChildResult>(trampoline)) {}
ChildStart::~ChildStart() = default;

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

ContinueAsNew::ContinueAsNew(Call next, const ContinueOptions& options)
    : call(std::move(next)),
      task_queue(options.task_queue),
      run_timeout(options.run_timeout),
      task_timeout(options.task_timeout),
      retry(options.retry),
      start_delay(options.start_delay),
      version(options.version) {
  const auto& names = options.retry.non_retryable;
  non_retryable.assign(names.names.begin(), names.names.begin() + std::ptrdiff_t(names.count));
  retry.non_retryable = {};
  if (options.memo) memo = *options.memo;
  if (options.search_attributes) search_attributes = *options.search_attributes;
}
ContinueAsNew::ContinueAsNew(const ContinueAsNew&) = default;
ContinueAsNew::~ContinueAsNew() = default;

void throw_continue_as_new(Call next, ContinueOptions options) {
  current().prepare(next, options);
  throw ContinueAsNew(std::move(next), options);
}

}  // namespace detail

Time now() { return detail::current().now(); }
const Info& info() { return detail::current().info(); }
Random& random() { return detail::current().random(); }
Random& random(std::string_view stream) { return detail::current().random(stream); }
bool all_handlers_finished() { return detail::current().all_handlers_finished(); }
void set_current_details(std::string details) {
  detail::current().set_current_details(std::move(details));
}

std::optional<UpdateInfo> current_update() {
  const auto* scope = detail::current().trampoline().scope().get();
  for (; scope; scope = scope->parent.get())
    if (scope->update) return *scope->update;
  return std::nullopt;
}

Logger& log() { return detail::current().log(); }
Metrics& metrics() { return detail::current().metrics(); }
bool is_replaying() { return detail::current().replaying(); }
bool is_cancelled() { return detail::current().cancel_requested(); }
std::string_view cancellation_reason() { return detail::current().cancel_reason(); }
bool patched(std::string_view id) { return detail::current().patched(id, false); }
void deprecate_patch(std::string_view id) { detail::current().patched(id, true); }
const SearchAttributes& search_attributes() { return info().search_attributes; }
void upsert_search_attributes(const SearchAttributes& changes) {
  detail::current().upsert_search_attributes(changes);
}
const Memo& memo() { return info().memo; }
void upsert_memo(const Memo& changes) { detail::current().upsert_memo(changes); }
bool continue_as_new_suggested() { return detail::current().info().continue_as_new_suggested; }

}  // namespace workflow
}  // namespace temporal
