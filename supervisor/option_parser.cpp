// SPDX-License-Identifier: MIT
#include "supervisor/option_parser.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include "supervisor/control/places.hpp"
#include "supervisor/control_options.hpp"
#include "supervisor/observe/metrics_options.hpp"
#include "supervisor/version.hpp"

namespace temporal::supervisor {

namespace {

const std::set<std::string> kNotInFiles{"help", "version", "config", "worker"};
const std::set<std::string> kOfTheProcess{"--address",
                                          "--child-cgroup",
                                          "--connect-timeout",
                                          "--control-socket",
                                          "--crash-pages",
                                          "--debug",
                                          "--dev",
                                          "--dev-db",
                                          "--dev-ui-port",
                                          "--log-format",
                                          "--log-level",
                                          "--loop-stall",
                                          "--metrics",
                                          "--metrics-prefix",
                                          "--metrics-unit",
                                          "--metrics-label",
                                          "--metrics-buckets"};

}  // namespace

OptionParser::OptionParser(Options& options, bool own_modules)
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
  add_control_verbs(app_, options_);
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

void OptionParser::parse(std::vector<std::string> words) {
  std::ranges::reverse(words);  // as it takes them
  app_.parse(std::move(words));
}

WorkerFileRules OptionParser::file_rules() const {
  WorkerFileRules rules{.process_flags = {kOfTheProcess.begin(), kOfTheProcess.end()}};
  for (const auto* option : app_.get_options())
    for (const auto& name : option->get_lnames())
      if (!kNotInFiles.contains(name)) rules.flags.push_back("--" + name);
  rules.is_set = [this](const std::string& flag) { return app_.count(flag) > 0; };
  return rules;
}

int OptionParser::report(const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app_.exit(error);
  const auto extra = app_.remaining();
  if (app_.get_subcommands().empty() && !extra.empty() && !extra.front().starts_with("-"))
    return usage(unknown_verb(app_, extra.front()));
  return usage(error.what());
}

int OptionParser::usage(const std::string& sentence) {
  std::cerr << "temporal-supervisor: " << sentence << "; --help lists the flags\n";
  return kExitUsage;
}

void OptionParser::add_lint() {
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

void OptionParser::add_server() {
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

void OptionParser::add_lifecycle() {
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
  text("--control-socket",
       "Where ps, top, kill and their like reach this worker, or off. Without it, in a folder of "
       "this user where they look for it",
       [this](const std::string& text) {
         options_.control_socket = std::filesystem::path(text == "off" ? "" : text);
       })
      ->default_str((control::folders().front() / "PID.sock").string())
      ->type_name("PATH|off");
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

void OptionParser::add_metrics() {
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

}  // namespace temporal::supervisor
