// SPDX-License-Identifier: MIT
// Whoever looks for a flag finds it here, in the order in which --help lists it.
#include "supervisor/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>

#include "supervisor/flags.hpp"
#include "supervisor/observe/metrics_options.hpp"
#include "supervisor/version.hpp"
#include "supervisor/worker_file.hpp"

namespace temporal::supervisor {

namespace {

const std::set<std::string> kNotInFiles{"help", "version", "config", "worker"};
const std::set<std::string> kOfTheProcess{
    "--address", "--connect-timeout", "--crash-pages",  "--debug",         "--dev",
    "--dev-db",  "--dev-ui-port",     "--log-format",   "--log-level",     "--loop-stall",
    "--metrics", "--metrics-prefix",  "--metrics-unit", "--metrics-label", "--metrics-buckets"};

class Parser : private Flags {
 public:
  Parser(Options& options, bool own_modules)
      : Flags(
            "A native Temporal worker: workflows on threads of its own, blocking activities in "
            "child processes that cannot hurt it"),
        options_(options) {
    app_.name("temporal-supervisor");
    app_.set_version_flag("--version", std::string("temporal-supervisor ") + kVersion);
    app_.option_defaults()->always_capture_default();
    app_.fallthrough();
    app_.require_subcommand(0, 1);
    auto* run = app_.add_subcommand("run", "Serve a task queue (the default verb)");
    auto* replay = app_.add_subcommand(
        "replay",
        "Replay recorded histories against the module's workflows; exit code 1 on a mismatch");
    replay->add_option("FILE", options_.histories,
                       "Histories, as JSON or binary, or folders of them (*.json, *.bin)");
    auto* id = replay->add_option("--workflow-id", options_.replay_workflow_id,
                                  "Fetch this workflow's history from the server");
    replay->add_option("--run-id", options_.replay_run_id, "This run of it; default: its newest")
        ->needs(id);
    replay
        ->add_option("--limit", options_.replay_limit,
                     "Without FILE and --workflow-id: the most runs of --task-queue that are "
                     "fetched from the server, newest first")
        ->check(CLI::Range(1, 1'000'000));
    replay->add_option("--jobs", options_.replay_jobs, "Threads; 0: one for each usable core")
        ->check(CLI::NonNegativeNumber);
    replay->add_flag("--stats", options_.replay_stats, "A line at the end: events per second");
    replay->add_flag("--fail-fast", options_.fail_fast, "End with the first that does not replay");
    if (!own_modules)
      replay->footer(
          "The modules are named by --module FILE, the server by --address and --namespace, as in "
          "temporal-supervisor --help");
    replay->callback([this] { options_.verb = Options::Verb::replay; });
    add_lint();
    run->callback([this] { options_.verb = Options::Verb::run; });
    if (!own_modules)
      flag("--module", options_.modules, "Shared object with workflows and activities; repeatable")
          ->allow_extra_args(false);  // or it would take replay's FILEs for more of them
    app_.add_option("--config,--worker", options_.worker_file,
                    "TOML file with these settings as keys; a [[worker]] block for each task queue")
        ->envname(variable_of("--config"));
    add_server();
    add_work();
    add_activities();
    add_lifecycle();
    add_metrics();
  }

  void parse(int argc, const char* const* argv) { app_.parse(argc, argv); }
  void parse(std::vector<std::string> words) {
    std::ranges::reverse(words);  // as it takes them
    app_.parse(std::move(words));
  }
  /// Of the command line and environment that were parsed.
  [[nodiscard]] WorkerFileRules file_rules() const {
    WorkerFileRules rules{.process_flags = {kOfTheProcess.begin(), kOfTheProcess.end()}};
    for (const auto* option : app_.get_options())
      for (const auto& name : option->get_lnames())
        if (!kNotInFiles.contains(name)) rules.flags.push_back("--" + name);
    rules.is_set = [this](const std::string& flag) { return app_.count(flag) > 0; };
    return rules;
  }
  int report(const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error);
    return usage(error.what());
  }
  static int usage(const std::string& sentence) {
    std::cerr << "temporal-supervisor: " << sentence << "; --help lists the flags\n";
    return kExitUsage;
  }

 private:
  void add_lint() {
    auto* lint = app_.add_subcommand(
        "lint",
        "Look through a module's sources for what GCC 12 breaks in coroutines; exit code 1 "
        "on a finding");
    lint->add_option("FILE", options_.lint_files, "C++ sources");
    lint->footer(
        "GCC before 13 destroys some temporaries of a co_await expression twice, and after some "
        "conditions that await it loses a coroutine's parameters. This finds them by their shape, "
        "and takes a type that it does not know for a dangerous one: it is a heuristic, which does "
        "not see what macros, headers between angles and default arguments hide. A comment "
        "// lint: safe at the end of the line silences it. What is sure is a compiler without the "
        "mistake: build modules with clang-16 or GCC 13 and later.");
    lint->callback([this] { options_.verb = Options::Verb::lint; });
  }

  void add_server() {
    flag("--address", options_.address, "The server, HOST:PORT")->envname("TEMPORAL_ADDRESS");
    flag("--namespace", options_.name_space, "Namespace")->envname("TEMPORAL_NAMESPACE");
    flag("--identity", options_.identity, "How this worker is called in histories")
        ->default_str("PID@HOST");
    duration("--connect-timeout", options_.connect_timeout,
             "How long a server that is away at start is waited for");
    app_.add_flag("--dev", options_.dev,
                  "Start the Temporal dev server (embedded SQLite) and stop it at the end");
    flag("--dev-db", options_.dev_db, "Keep the dev server's data in this file");
    flag("--dev-ui-port", options_.dev_ui_port, "Port of the dev server's web UI")
        ->default_str("free")
        ->check(CLI::Range(0, 65'535));
  }

  void add_work() {
    flag("--task-queue", options_.task_queue, "Task queue to serve");
    number_or_auto(
        "--children", 1024,
        "Child processes for plain-function activities; auto is one per usable core",
        [this](std::optional<int> count) { options_.children = count.value_or(usable_cores()); });
    flag("--child-nice", options_.child_nice, "Niceness of children")->check(CLI::Range(0, 19));
    flag("--child-max-tasks", options_.child_max_tasks,
         "Activities after which a child is replaced by a fresh one, or up to 15 % earlier; 0: "
         "never for that")
        ->check(CLI::Range(0, 1'000'000'000));
    duration("--child-max-age", options_.child_max_age,
             "The same for its age: after the activity it runs then; 0: never for that");
    size("--child-max-rss", options_.child_max_rss,
         "The same for the memory that is resident after an activity; 0: never for that");
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

  void add_cache() {
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

  void add_kinds() {
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

  void add_versioning() {
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

  void add_activities() {
    choice(
        "--activity-executor", options_.activity_executor,
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
    duration("--local-timeout-buffer", options_.local_timeout_buffer,
             "How long after an activity's timeout the worker itself tells it, should the server "
             "not");
  }

  void add_lifecycle() {
    duration("--grace", options_.grace, "After a stop signal, how long activities may go on");
    duration_or_never("--cancel-grace", options_.cancel_grace,
                      "From an activity's cancellation to SIGTERM for its child");
    duration_or_never("--timeout-grace", options_.timeout_grace,
                      "The same after an activity's own timeout");
    duration("--term-grace", options_.term_grace, "From SIGTERM to SIGKILL for a child");
    text("--crash-pages",
         "Folder in which a crash of workflow code is kept for the worker that is started next, "
         "which fails that run's tasks for a while; off keeps none",
         [this](const std::string& text) {
           options_.crash_pages = std::filesystem::path(text == "off" ? "" : text);
         })
        ->default_str(options_.crash_pages.empty() ? "off" : options_.crash_pages.string())
        ->type_name("DIR|off");
    choice("--log-format", options_.log_format,
           {{"text", LogFormat::text}, {"json", LogFormat::json}, {"auto", LogFormat::automatic}},
           "auto", "text, json or auto: text on a terminal");
    choice("--log-level", options_.log_level,
           {{"debug", LogLevel::debug},
            {"info", LogLevel::info},
            {"warn", LogLevel::warn},
            {"error", LogLevel::error}},
           "info", "The least important lines to show: debug, info, warn or error");
  }

  void add_metrics() {
    auto& metrics = options_.metrics;
    flag("--metrics", metrics.address,
         "Serve /metrics, /healthz and /readyz here, HOST:PORT; no HOST is every address, port 0 a "
         "free one")
        ->default_str("off");
    flag("--metrics-prefix", metrics.prefix,
         "What the names of the worker's own metrics begin with, and those of activities must not");
    choice("--metrics-unit", metrics.unit,
           {{"ms", MetricsOptions::Unit::milliseconds}, {"s", MetricsOptions::Unit::seconds}}, "ms",
           "Unit of latencies: ms or s");
    each("--metrics-label", "K=V", "A label of every metric; repeatable",
         [&metrics](const std::string& text) { return add_label(metrics, text); });
    each("--metrics-buckets", "NAME=B,B,...",
         "Upper bounds of the histogram with this full name, in the unit shown; repeatable",
         [&metrics](const std::string& text) { return add_buckets(metrics, text); });
  }

  Options& options_;
};

// Whatever else was said of the two.
void heed_debug(Options& options) {
  if (!options.debug) return;
  options.deadlock_timeout = {};
  options.determinism_guard = temporal::DeterminismGuard::off;
}

// The words of the command line count more than those of the file, which are only about what is not
// said there.
std::vector<Options> workers_of(const Options& options, const Parser& parser, int argc,
                                const char* const* argv, bool own_modules) {
  std::vector<Options> workers;
  for (auto& words : read_worker_file(options.worker_file, parser.file_rules())) {
    Options& worker = workers.emplace_back(default_options());
    Parser of_worker(worker, own_modules);
    words.insert(words.end(), argv + 1, argv + argc);
    of_worker.parse(std::move(words));
    heed_debug(worker);
    check_options(worker, own_modules);
    for (const auto& other : std::span(workers).first(workers.size() - 1))
      if (other.task_queue == worker.task_queue && other.name_space == worker.name_space)
        throw CLI::ValidationError(options.worker_file.string(),
                                   "two workers serve task queue '" + worker.task_queue +
                                       "' of namespace '" + worker.name_space +
                                       "'; make it one, with the modules of both");
  }
  return workers;
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv, bool own_modules) {
  ParsedOptions parsed{.options = default_options()};
  Options& options = parsed.options;
  Parser parser(options, own_modules);
  try {
    parser.parse(argc, argv);
    heed_debug(options);
    if (options.worker_file.empty()) {
      check_options(options, own_modules);
      parsed.workers = {options};
    } else {
      parsed.workers = workers_of(options, parser, argc, argv, own_modules);
      parsed.options = parsed.workers.front();
    }
  } catch (const std::invalid_argument& error) {
    parsed.exit = true;
    parsed.exit_code = Parser::usage(error.what());
  } catch (const WorkerFileError& error) {
    parsed.exit = true;
    parsed.exit_code = Parser::usage(error.what());
  } catch (const CLI::ParseError& error) {
    parsed.exit = true;
    parsed.exit_code = parser.report(error);
  }
  return parsed;
}

}  // namespace temporal::supervisor
