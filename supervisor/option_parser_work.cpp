// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "supervisor/child_groups.hpp"
#include "supervisor/option_parser.hpp"

namespace temporal::supervisor {

namespace {

// At least one, wherever there are cores to be shared.
int children_of(const std::string& per_core) {
  double number = 0;
  if (!CLI::detail::lexical_cast(per_core, number) || !(number > 0) || number > 1024)
    throw CLI::ValidationError("--children-per-core",
                               "'" + per_core + "' is no number above 0, at most 1024");
  return std::clamp(static_cast<int>(std::ceil(number * usable_cores())), 1, 1024);
}

template <class Read>
auto read(const std::string& flag, const Read& reading) {
  try {
    return reading();
  } catch (const std::invalid_argument& error) {
    throw CLI::ValidationError(flag, error.what());
  }
}

}  // namespace

void OptionParser::add_work() {
  flag("--task-queue", options_.task_queue, "Task queue to serve");
  add_children();
  add_kinds();
  add_versioning();
  flag("--workflow-threads", options_.workflow_threads, "Threads that run workflow code")
      ->check(CLI::Range(1, 1024));
  flag("--max-concurrent-workflow-tasks", options_.max_concurrent_workflow_tasks,
       "Workflow tasks at a time")
      ->check(CLI::Range(1, 100'000));
  flag("--max-concurrent-activities", options_.max_concurrent_activities,
       "Activities at a time; those in children are bounded by --children too")
      ->check(CLI::Range(1, 100'000));
  flag("--max-concurrent-local-activities", options_.max_concurrent_local_activities,
       "Local activities at a time; those in children are bounded by --offload-children too")
      ->check(CLI::Range(1, 100'000));
  number_or_auto(
      "--max-eager-activities", 100'000,
      "Activities of one workflow task that start here without a poll; auto: as many as have a "
      "free place, 0: none",
      [this](std::optional<int> most) { options_.max_eager_activities = most; });
  flag("--max-concurrent-eager-activities", options_.max_concurrent_eager_activities,
       "Activities at a time that started without a poll; 0 is unlimited")
      ->check(CLI::Range(0, 100'000));
  add_cache();
  flag("--workflow-pollers", options_.workflow_pollers, "Polls for workflow tasks at a time")
      ->check(CLI::Range(1, 1000));
  flag("--activity-pollers", options_.activity_pollers, "Polls for activity tasks at a time")
      ->check(CLI::Range(1, 1000));
  duration("--deadlock-timeout", options_.deadlock_timeout,
           "Longest a workflow may hold its thread in one go; 0 is off");
  choice("--determinism-guard", options_.determinism_guard,
         {{"fail", temporal::DeterminismGuard::fail},
          {"log", temporal::DeterminismGuard::log},
          {"off", temporal::DeterminismGuard::off}},
         "fail",
         "A workflow that asks the clock, the system's randomness, files, sockets or threads "
         "fails its task, is named in the log (log), or is let alone (off)");
  choice("--header-codec", options_.header_codec, {{"on", true}, {"off", false}}, "off",
         "Whether headers go through the modules' codecs, as other payloads do");
  app_.add_flag(
          "--debug", options_.debug,
          "For a debugger: no deadlock detector, no determinism guard, and other processes of "
          "this user may look into the worker's memory")
      ->envname("TEMPORAL_DEBUG");
}

void OptionParser::add_children() {
  auto* children = number_or_auto(
      "--children", 1024,
      "Child processes for plain-function activities; auto is one per usable core",
      [this](std::optional<int> count) { options_.children = count.value_or(usable_cores()); });
  text("--children-per-core",
       "The same by usable core: 0.5 is one for two cores, at least one in all",
       [this](const std::string& text) { options_.children = children_of(text); })
      ->excludes(children)
      ->type_name("X");
  flag(
      "--children-max", options_.children_max,
      "While activities wait, children are added up to this number; those too many leave when they "
      "have been idle for half a minute; 0: none are")
      ->check(CLI::Range(0, 1024));
  flag("--tasks-per-child", options_.tasks_per_child,
       "Activities that a child runs at a time, each on a thread of its own: for code that mostly "
       "waits. When one of them ends the process, or has to be killed, the others fail as "
       "ActivityBystander")
      ->check(CLI::Range(1, kMostTasksPerChild));
  on_off("--pin", options_.pin,
         "Bind each child to one core, those with the fewest children first");
  flag("--child-nice", options_.child_nice, "Niceness of children")->check(CLI::Range(0, 19));
  flag("--child-max-tasks", options_.child_max_tasks,
       "Activities after which a child is replaced by a fresh one, or up to 15 % earlier; 0: "
       "never for that")
      ->check(CLI::Range(0, 1'000'000'000));
  duration("--child-max-age", options_.child_max_age,
           "The same for its age: after the activity it runs then; 0: never for that");
  size("--child-max-rss", options_.child_max_rss,
       "The same for the memory that is resident after an activity; 0: never for that");
  size("--max-bulk", options_.max_bulk,
       "Largest arguments handed to a child, and largest result taken from one");
  choice("--child-start", options_.exec_children, {{"fork", false}, {"exec", true}}, "fork",
         "How children start: forked from a process that has loaded the modules, or exec: each "
         "loads them for itself, which is slower and is for modules that start threads or use CUDA "
         "while they are loaded");
  text("--cores", "Bind each child to one of these cores, as in 0-3+6",
       [this](const std::string& text) {
         options_.cores = read("--cores", [&text] { return core_list(text); });
       })
      ->type_name("LIST");
  size("--child-memory", options_.child_memory,
       "Address space, and memory where children have cgroups, that an activity may take in a "
       "child if it has no limit of its own; 0: unlimited");
  text("--child-cgroup",
       "Cgroup (version 2) with the memory controller in which each child has one of its own: what "
       "an activity starts is held to its limit of memory with it. auto: the one that systemd has "
       "marked as delegated to this service, if any; own: the one this worker is in; off: none",
       [this](const std::string& text) {
         options_.child_cgroup.reset();
         if (text != "auto") options_.child_cgroup.emplace(text == "off" ? "" : text);
       })
      ->default_str("auto")
      ->type_name("DIR|auto|own|off");
  each("--group", "NAME=N,queue=QUEUE",
       "N more children, with a task queue of their own for the activities that run in children, "
       "and where wanted ,max=N ,cores=LIST ,memory=SIZE ,nice=N ,start=exec of their own; "
       "repeatable",
       [this](const std::string& text) -> std::optional<std::string> {
         options_.groups.push_back(read("--group", [&text] { return child_group(text); }));
         return std::nullopt;
       });
}

void OptionParser::add_cache() {
  flag("--max-cached-workflows", options_.max_cached_workflows,
       "Workflow runs kept in memory between their tasks; 0: each task replays its run")
      ->check(CLI::Range(0, 10'000'000));
  size("--max-cache-bytes", options_.max_cache_bytes,
       "Memory that these runs may take, about; the least recently used go first; 0: unbounded. "
       "The default is a quarter of what the process may use");
  size("--max-run-bytes", options_.max_run_bytes,
       "Memory that one run may take, about, before its task fails; 0: unbounded");
  duration("--sticky-timeout", options_.sticky_timeout,
           "How long a task of a run in memory waits for this worker before any may take it");
  flag("--nonsticky-ratio", options_.nonsticky_ratio,
       "Share of the workflow polls that is for new runs and those of other workers")
      ->check(CLI::Range(0.0, 1.0));
}

void OptionParser::add_kinds() {
  auto* workflows = on_off("--workflows-only", options_.workflows_only,
                           "Serve workflows; activities are for other workers");
  auto* activities = on_off("--activities-only", options_.activities_only,
                            "Serve activities; workflows are for other workers");
  workflows->excludes(activities);
  on_off("--no-remote-activities", options_.no_remote_activities,
         "Serve workflows and the local activities they call; ask for no activity tasks")
      ->excludes(workflows)
      ->excludes(activities);
}

void OptionParser::add_versioning() {
  flag("--deployment-name", options_.deployment_name, "The worker deployment it is part of");
  flag("--build-id", options_.build_id,
       "Which version of the deployment it is; default: a hash of the program and its modules");
  on_off("--use-versioning", options_.use_versioning,
         "The server sends it the runs of its version only");
  choice("--default-versioning-behavior", options_.default_versioning,
         {{"unspecified", Versioning::unspecified},
          {"pinned", Versioning::pinned},
          {"auto-upgrade", Versioning::auto_upgrade}},
         "unspecified", "Of workflows that are registered without one");
}

void OptionParser::add_activities() {
  choice("--activity-executor", options_.activity_executor,
         {{"children", temporal::Executor::child}, {"threads", temporal::Executor::threads}},
         "children",
         "Where plain functions run that did not choose: children, or threads, where a crash ends "
         "the worker");
  flag("--activity-threads", options_.activity_threads,
       "Threads for activities that run on threads")
      ->check(CLI::Range(1, 10'000));
  flag("--loop-threads", options_.loop_threads, "Event loops for coroutine activities")
      ->check(CLI::Range(1, 1024));
  duration("--loop-stall", options_.loop_stall,
           "A coroutine that blocks its loop for so long is named in the log; 0 is off");
  flag("--offload-children", options_.offload_children,
       "Child processes for what coroutines hand over by in_child and for local activities, "
       "started when needed")
      ->check(CLI::Range(0, 1024));
  flag("--activities-per-second", options_.activities_per_second,
       "Activities started per second by this worker; 0 is unlimited")
      ->check(CLI::NonNegativeNumber);
  flag("--task-queue-activities-per-second", options_.task_queue_activities_per_second,
       "Activities started per second from the task queue by all workers; 0 is unlimited")
      ->check(CLI::NonNegativeNumber);
  duration("--slow-task", options_.slow_task,
           "After this, one line says that an activity still runs; 0 is off");
  duration("--heartbeat-throttle-max", options_.heartbeat_throttle_max,
           "Longest between two heartbeats to the server, which else come at 0.8 of the timeout; "
           "0 is the default");
  duration("--heartbeat-throttle-default", options_.heartbeat_throttle_default,
           "The same for activities without a heartbeat timeout; 0 is the default");
  flag("--crash-non-retryable-after", options_.crash_non_retryable_after,
       "Crashes of one activity's process after which it is not tried again; 0: never for that")
      ->check(CLI::Range(0, 1'000'000));
  app_.add_flag(
          "--exit-when-degraded", options_.exit_when_degraded,
          "Stop, with exit code 1, when children die as fast as they are replaced, instead of "
          "trying on: for a service manager that starts workers again")
      ->envname("TEMPORAL_EXIT_WHEN_DEGRADED");
  duration("--local-timeout-buffer", options_.local_timeout_buffer,
           "How long after an activity's timeout the worker itself tells it, should the server "
           "not");
}

}  // namespace temporal::supervisor
