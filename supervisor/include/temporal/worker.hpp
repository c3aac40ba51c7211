// SPDX-License-Identifier: MIT
// A worker as a program of your own (run_worker: the modules are linked in, the flags are those of
// temporal-supervisor without --module), or inside a program that has another purpose (Worker).
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "temporal/determinism_guard.hpp"
#include "temporal/export.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"
#include "temporal/options.hpp"

namespace temporal {

/// Serves until it is told to stop; returns the exit code for main():
///
///     int main(int argc, char** argv) { return temporal::run_worker(argc, argv, {hello, shop}); }
///
/// Nothing else may run before it in main(): the same program is started again as the zygote of its
/// children, and this call is where it notices. Called when threads run already, it says so and
/// returns 2.
TEMPORAL_API int run_worker(int argc, char** argv, std::initializer_list<ModuleFunction> modules);

struct WorkerOptions {
  std::string address = "127.0.0.1:7233";
  std::string name_space = "default";
  std::string task_queue{};
  std::string identity{};  ///< default pid@host
  /// Shared objects, as for `--module`.
  std::vector<std::filesystem::path> modules{};
  /// Linked into this program. Their plain functions cannot run in children, which know only shared
  /// objects: put them on threads.
  std::vector<ModuleFunction> own_modules{};
  /// Where plain functions run that did not choose.
  Executor activity_executor = Executor::child;
  bool workflows_only = false;        ///< activities are for other workers
  bool activities_only = false;       ///< workflows are for other workers
  bool no_remote_activities = false;  ///< only those that its own workflows call as local ones
  std::optional<int> children{};      ///< default: one per usable core
  int children_max = 0;               ///< so many while activities wait; 0: `children`
  int tasks_per_child = 1;            ///< at a time, 1 to 16; see --tasks-per-child
  std::optional<int>
      offload_children{};  ///< for in_child() and local ones; default: one per usable core
  int child_nice = 5;
  bool pin = false;  ///< bind each child to one core
  int activity_threads = 42;
  int loop_threads = 1;
  int workflow_threads = 0;  ///< 0: usable cores, at least 2
  int max_concurrent_activities = 100;
  int max_concurrent_local_activities = 100;
  /// Of one workflow task, that start here without a poll; default: as many as have a free place.
  std::optional<int> max_eager_activities{};
  int max_concurrent_workflow_tasks = 100;
  int activity_pollers = 5;
  int workflow_pollers = 5;
  int max_cached_workflows = 1000;  ///< 0: each task replays its run
  /// Memory that these runs may take, about. Default: a quarter of what the process may use; 0:
  /// unbounded.
  std::optional<std::size_t> max_cache_bytes{};
  double activities_per_second = 0;             ///< of this worker; 0: unlimited
  double task_queue_activities_per_second = 0;  ///< of all workers of the queue; 0: unlimited
  Duration deadlock_timeout = std::chrono::seconds(2);  ///< 0: off
  /// Works where this library comes before libc in the order of libraries: in a program that is linked
  /// with it, not in one that loads it later.
  DeterminismGuard determinism_guard = DeterminismGuard::fail;
  Duration loop_stall = std::chrono::milliseconds(100);  ///< 0: off
  Duration connect_timeout = std::chrono::seconds(60);
  Duration grace = std::chrono::seconds(20);      ///< after stop(), how long activities may go on
  Duration term_grace = std::chrono::seconds(2);  ///< from SIGTERM to SIGKILL for a child
  std::string metrics{};  ///< HOST:PORT to serve /metrics, /healthz and /readyz at; default: off
  Logger* log = nullptr;  ///< default: stderr, from warnings on; used by several threads
};

/// A worker inside a program of another purpose, or in a test. It takes no signals and starts no zygote from this program: for
/// children it needs the program temporal-child (beside this one, beside the library, or named in TEMPORAL_CHILD).
class TEMPORAL_API Worker {
 public:
  /// Throws std::invalid_argument for options that cannot work.
  explicit Worker(WorkerOptions options);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Not while run() runs.
  ~Worker();

  /// Serves until stop(), on this thread. Throws what ended it, a std::runtime_error whose what() is a sentence: a module
  /// that cannot be loaded, a server that does not answer. Once.
  void run();
  /// From any thread, before or while run() runs: it stops in order, as on SIGTERM. A second time: without waiting for
  /// activities.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace temporal
