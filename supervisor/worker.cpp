// SPDX-License-Identifier: MIT
#include "temporal/worker.hpp"

#include <stdexcept>
#include <utility>

#include "supervisor/observe/log.hpp"
#include "supervisor/options.hpp"
#include "supervisor/supervisor.hpp"

namespace temporal {

namespace {

std::chrono::milliseconds milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

supervisor::Options options_from(const WorkerOptions& from) {
  auto options = supervisor::default_options();
  options.crash_pages.clear();       // crashes are for the program to report
  options.control_socket.emplace();  // and orders for it to take
  options.address = from.address;
  options.name_space = from.name_space;
  options.task_queue = from.task_queue;
  if (!from.identity.empty()) options.identity = from.identity;
  options.modules = from.modules;
  options.activity_executor = from.activity_executor;
  options.workflows_only = from.workflows_only;
  options.activities_only = from.activities_only;
  if (from.children) options.children = *from.children;
  options.children_max = from.children_max;
  options.tasks_per_child = from.tasks_per_child;
  if (from.offload_children) options.offload_children = *from.offload_children;
  // Children know shared objects only.
  if (from.modules.empty()) options.children = options.children_max = options.offload_children = 0;
  options.child_nice = from.child_nice;
  options.pin = from.pin;
  options.activity_threads = from.activity_threads;
  options.loop_threads = from.loop_threads;
  if (from.workflow_threads > 0) options.workflow_threads = from.workflow_threads;
  options.max_concurrent_activities = from.max_concurrent_activities;
  options.no_remote_activities = from.no_remote_activities;
  options.max_eager_activities = from.max_eager_activities;
  options.max_concurrent_local_activities = from.max_concurrent_local_activities;
  options.max_concurrent_workflow_tasks = from.max_concurrent_workflow_tasks;
  options.activity_pollers = from.activity_pollers;
  options.workflow_pollers = from.workflow_pollers;
  options.max_cached_workflows = from.max_cached_workflows;
  if (from.max_cache_bytes) options.max_cache_bytes = *from.max_cache_bytes;
  options.activities_per_second = from.activities_per_second;
  options.task_queue_activities_per_second = from.task_queue_activities_per_second;
  options.deadlock_timeout = milliseconds(from.deadlock_timeout);
  options.determinism_guard = from.determinism_guard;
  options.loop_stall = milliseconds(from.loop_stall);
  options.connect_timeout = milliseconds(from.connect_timeout);
  options.grace = milliseconds(from.grace);
  options.term_grace = milliseconds(from.term_grace);
  options.metrics.address = from.metrics;
  supervisor::check_options(options, !from.own_modules.empty());
  return options;
}

}  // namespace

class Worker::Impl {
 public:
  explicit Impl(WorkerOptions options)
      : own_modules_(options.own_modules),
        supervisor_(std::make_unique<supervisor::Supervisor>(
            std::vector{options_from(options)}, own_modules_, options.log ? *options.log : log_,
            supervisor::Supervisor::Process::embedding)) {}
  ~Impl() {
    // What still runs holds it; better it stays for ever than that it is pulled from under it.
    if (supervisor_->user_code_left()) (void)supervisor_.release();
  }

  supervisor::Supervisor& supervisor() { return *supervisor_; }

 private:
  std::vector<ModuleFunction> own_modules_;
  supervisor::Log log_{supervisor::LogFormat::automatic, LogLevel::warn};
  std::unique_ptr<supervisor::Supervisor> supervisor_;
};

Worker::Worker(WorkerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Worker::~Worker() = default;
void Worker::run() { impl_->supervisor().run(); }
void Worker::stop() { impl_->supervisor().request_stop(); }

}  // namespace temporal
