// SPDX-License-Identifier: MIT
// Every setting of temporal-supervisor and its default; option_parser has the flags. A flag wins over its
// environment variable (TEMPORAL_SUPERVISOR_ and the flag's name in capitals), the variable over
// the worker file, the file over the default.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/child_groups.hpp"
#include "supervisor/observe/log.hpp"
#include "supervisor/observe/metrics_options.hpp"
#include "temporal/determinism_guard.hpp"
#include "temporal/options.hpp"

namespace temporal::supervisor {

using std::chrono::milliseconds;

/// What the process ends with.
enum ExitCode : int {
  kExitStopped = 0,  ///< stopped as asked; replay: all histories replayed; lint: clean
  kExitFatal = 1,    ///< failed while running; replay: no fit; lint: a finding; ps...: no answer
  kExitUsage = 2,    ///< a flag, a file or a setting is wrong
  kExitModule = 3,   ///< a module cannot be loaded
  kExitIncompatible = 4,  ///< the child was built from another version
  kExitUnreachable = 5,   ///< the server did not answer in time
};

/// At a time; see children::kMostPlaces.
inline constexpr int kMostTasksPerChild = 16;

inline constexpr std::string_view kOwnCgroup = "own";

struct Options {
  enum class Verb { run, replay, lint, control };
  Verb verb = Verb::run;
  std::filesystem::path worker_file{};  ///< empty: none

  std::string address = "127.0.0.1:7233";
  std::string name_space = "default";
  std::string task_queue{};
  std::vector<std::filesystem::path> modules{};
  std::string identity{};  ///< default pid@host

  bool dev = false;
  std::filesystem::path dev_db{};  ///< empty: in memory
  int dev_ui_port = 0;             ///< 0: the server's port + 1000, or a free one

  int children = 0;
  int children_max = 0;     ///< while tasks wait for one; 0: `children`
  int tasks_per_child = 1;  ///< at a time
  int child_nice = 5;
  bool pin = false;          ///< each child to one core
  std::vector<int> cores{};  ///< to one of these; empty: of all
  std::size_t child_memory =
      0;  ///< bytes of address space that one activity may take; 0: unbounded
  /// In which each child has a cgroup of its own; none: in the one that systemd has marked as delegated; kOwnCgroup: in the worker's;
  /// empty: nowhere.
  std::optional<std::filesystem::path> child_cgroup{};
  bool exec_children = false;  ///< each loads the modules for itself
  std::vector<ChildGroup> groups{};
  int child_max_tasks = 0;        ///< 0: unbounded
  milliseconds child_max_age{0};  ///< 0: unbounded
  std::size_t child_max_rss = 0;  ///< bytes; 0: unbounded
  /// Bytes of all arguments that a child is handed, and of a result.
  std::size_t max_bulk = std::size_t{256} << 20;
  int workflow_threads = 2;
  int loop_threads = 1;
  milliseconds loop_stall{100};  ///< 0: off
  /// Where plain functions run that did not choose.
  temporal::Executor activity_executor = temporal::Executor::child;
  int activity_threads = 42;
  int offload_children = 1;
  bool workflows_only = false;
  bool activities_only = false;
  bool no_remote_activities = false;  ///< only those that its own workflows call as local ones
  std::string deployment_name{};
  std::string build_id{};  ///< default: a hash of program and modules
  bool use_versioning = false;
  Versioning default_versioning = Versioning::unspecified;
  double activities_per_second = 0;             ///< 0: unlimited
  double task_queue_activities_per_second = 0;  ///< 0: unlimited
  int max_concurrent_workflow_tasks = 100;
  int max_concurrent_activities = 100;
  int max_concurrent_local_activities = 100;
  std::optional<int> max_eager_activities{};  ///< of one workflow task; none: what has a place
  int max_concurrent_eager_activities = 0;    ///< 0: unlimited
  int max_cached_workflows = 1000;            ///< 0: no sticky queue
  std::size_t max_cache_bytes = 0;            ///< 0: unbounded
  std::size_t max_run_bytes = 0;              ///< 0: unbounded
  milliseconds sticky_timeout{10'000};
  double nonsticky_ratio = 0.2;
  int workflow_pollers = 5;
  int activity_pollers = 5;
  milliseconds deadlock_timeout{2'000};
  temporal::DeterminismGuard determinism_guard = temporal::DeterminismGuard::fail;
  bool header_codec = false;  ///< headers go through the modules' codecs as well
  bool debug = false;         ///< neither of the two: a debugger stops workflow code
  milliseconds connect_timeout{60'000};
  milliseconds slow_task{10'000};  ///< 0: off
  milliseconds grace{20'000};
  milliseconds term_grace{2'000};
  /// From a cancellation (of the server's or an operator's) to the end by force; none: never.
  std::optional<milliseconds> cancel_grace{};
  std::optional<milliseconds> timeout_grace{
      10'000};  ///< from an activity's own timeout; none: never
  milliseconds local_timeout_buffer{5'000};
  int crash_non_retryable_after = 0;  ///< 0: off
  bool exit_when_degraded = false;    ///< instead of trying on
  milliseconds heartbeat_throttle_max{60'000};
  milliseconds heartbeat_throttle_default{30'000};
  std::filesystem::path crash_pages{};  ///< empty: none are kept
  /// None: one in the folder where others look for it; empty: no socket.
  std::optional<std::filesystem::path> control_socket{};
  MetricsOptions metrics{};
  LogFormat log_format = LogFormat::automatic;
  LogLevel log_level = LogLevel::info;

  std::vector<std::filesystem::path> histories{};  ///< replay; a folder: what is below it
  std::string replay_workflow_id{};                ///< its history is fetched; empty: none
  std::string replay_run_id{};                     ///< empty: its newest run
  int replay_limit = 100;  ///< most runs that are fetched of `task_queue`, newest first
  int replay_jobs = 0;     ///< threads; 0: one for each usable core
  bool replay_stats = false;
  bool fail_fast = false;  ///< replay ends with the first file that does not replay

  std::vector<std::filesystem::path> lint_files{};  ///< sources

  /// Of the verbs that talk to a worker which runs.
  struct Control {
    std::string verb{};
    int pid = 0;  ///< of the worker; 0: the only one there is
    bool json = false;
    std::string task{};           ///< kill
    std::string name{}, value{};  ///< set
    int of = 0;                   ///< stack: a process or thread
  };
  Control control{};
};

/// A setting that cannot work. what() says what to change.
class SettingsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ParsedOptions {
  Options options;
  /// One for each [[worker]] of the worker file; without one, `options` alone. They differ in no
  /// setting of the process.
  std::vector<Options> workers{};
  /// Set when the process is done already: --help, --version or a usage error (said on stderr).
  bool exit = false;
  int exit_code = 0;
};

/// Reads the command line. `own_modules`: the program brings its modules, so --module is not asked
/// for.
[[nodiscard]] ParsedOptions parse_options(int argc, const char* const* argv, bool own_modules);

/// What is used without any flag; where it depends on the machine, as it is here.
[[nodiscard]] Options default_options();

/// Throws std::invalid_argument for a setting that no worker can have, as the command line refuses
/// it.
void check_options(const Options& options, bool own_modules);

/// Cores this process may use: its affinity and its cgroup's CPU share, rounded up.
[[nodiscard]] int usable_cores();

/// Bytes this process may use: its cgroup's limit, or what the machine has.
[[nodiscard]] std::size_t usable_memory();

}  // namespace temporal::supervisor
