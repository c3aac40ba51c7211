// SPDX-License-Identifier: MIT
// Every options struct. All are trivially destructible: GCC 12 destroys other temporaries twice
// when they are written inside a co_await expression. The price: they hold *views*. Keep literals
// and constants in them, or build them in the call; a named options object made from temporaries
// dangles.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

namespace temporal {

class Memo;
class SearchAttributes;

/// Nanoseconds; any std::chrono duration converts. Zero means "not set" wherever a default exists.
using Duration = std::chrono::nanoseconds;
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Names of error types, at most eight. Build it with error_types().
struct ErrorTypes {
  std::array<std::string_view, 8> names{};
  std::size_t count = 0;
};

template <class... Names>
constexpr ErrorTypes error_types(const Names&... names) {
  static_assert(sizeof...(Names) <= 8, "a retry policy lists at most eight error types");
  return ErrorTypes{{std::string_view(names)...}, sizeof...(Names)};
}

/// Unset fields take the server's defaults: 1 s, 2.0, 100 x initial, unlimited attempts.
struct RetryPolicy {
  Duration initial_interval{};
  double backoff_coefficient = 0;
  Duration maximum_interval{};
  int maximum_attempts = 0;  ///< total, the first one included; 0 is unlimited
  ErrorTypes non_retryable{};
};

/// What the workflow sees when it cancels an activity.
enum class OnCancel {
  try_cancel,      ///< ask, and go on at once with a Cancelled error
  wait_completed,  ///< ask, and wait for what the activity does about it
  abandon,         ///< do not ask; go on at once
};

/// Which of those that wait comes first; see the server's task queue priorities.
struct Priority {
  int key = 0;  ///< 1 is the most urgent; 0: the server's default, 3
  std::string_view fairness_key{};
  float fairness_weight = 0;  ///< 0: the server's default, 1
};

/// One of the first two timeouts must be set.
struct ActivityOptions {
  Duration start_to_close_timeout{};
  Duration schedule_to_close_timeout{};
  Duration schedule_to_start_timeout{};
  Duration heartbeat_timeout{};  ///< 0: the server does not watch heartbeats
  RetryPolicy retry{};
  std::string_view task_queue{};  ///< default: the workflow's own
  std::string_view id{};          ///< default: "1", "2", ... in call order
  OnCancel on_cancel = OnCancel::try_cancel;
  /// On the workflow's own queue: where this very worker has a place free, it starts at once, without
  /// a poll.
  bool eager = true;
  Priority priority{};         ///< default: the workflow's own
  std::string_view summary{};  ///< shown by the UI, at most 400 bytes
};

/// One of the first two timeouts must be set, unless the run itself has no time limit. What is not
/// set there is bounded by that limit.
struct LocalActivityOptions {
  Duration start_to_close_timeout{};     ///< of each attempt
  Duration schedule_to_close_timeout{};  ///< over all attempts and the waiting between them
  Duration schedule_to_start_timeout{};  ///< waiting for a free place
  RetryPolicy retry{};
  /// When the next attempt is due later than this, the run sets a timer for it instead of keeping
  /// its task open. Default 60 s.
  Duration local_retry_threshold{};
  std::string_view id{};  ///< default: "1", "2", ... in call order, counted with other activities
  OnCancel on_cancel = OnCancel::wait_completed;
  std::string_view summary{};  ///< shown by the UI, at most 400 bytes
};

struct TimerOptions {
  std::string_view summary{};
};

/// Which version of a worker deployment the next run starts on.
enum class ContinueVersion {
  inherited,      ///< that of this run, where it is pinned
  auto_upgraded,  ///< the current one
  ramping,        ///< the one that is being ramped up to, where there is one
};

/// What the next run does not take over from this one. `memo` and `search_attributes` point to
/// objects that live until the call: unset, the values that this run has now are taken over.
struct ContinueOptions {
  std::string_view task_queue{};  ///< default: this run's
  Duration run_timeout{};         ///< 0: this run's
  Duration task_timeout{};        ///< 0: this run's
  RetryPolicy retry{};            ///< unset: this run's
  const Memo* memo = nullptr;
  const SearchAttributes* search_attributes = nullptr;
  Duration start_delay{};  ///< before the next run's first task
  ContinueVersion version = ContinueVersion::inherited;
};

/// What a parent sees when it cancels a child. Whoever ends in the very task that asks, asks nobody:
/// the server passes nothing on for a workflow that is over.
enum class OnChildCancel {
  wait_completed,  ///< ask, and wait for what the child does about it
  wait_requested,  ///< ask, and go on with an error once the child has been asked
  try_cancel,      ///< ask, and go on at once with an error
  abandon,         ///< do not ask; go on at once with an error
};

/// What becomes of a child when its parent is over.
enum class ParentClose { terminate, abandon, request_cancel };

/// Whether an id may be used again once the workflow that had it is over.
enum class IdReuse { allow_duplicate, allow_duplicate_failed_only, reject_duplicate };

/// What a start does when its id is in use by a run that is not closed.
enum class IdConflict {
  fail,                ///< WorkflowAlreadyStartedError
  use_existing,        ///< nothing is started: the handle is that run's
  terminate_existing,  ///< that run ends, and a new one begins
};

/// `memo` and `search_attributes` point to objects that live until the call.
struct ChildOptions {
  std::string_view id{};          ///< default: a UUID from workflow::random()
  std::string_view task_queue{};  ///< default: the parent's own
  Duration execution_timeout{};   ///< over all retries and continuations; 0: none
  Duration run_timeout{};
  Duration task_timeout{};  ///< server's default 10 s
  RetryPolicy retry{};      ///< unset: the child is not retried
  std::string_view cron_schedule{};
  IdReuse id_reuse = IdReuse::allow_duplicate;
  ParentClose parent_close = ParentClose::terminate;
  OnChildCancel on_cancel = OnChildCancel::wait_completed;
  const Memo* memo = nullptr;
  const SearchAttributes* search_attributes = nullptr;
  Priority priority{};
  std::string_view summary{};  ///< shown by the UI, at most 400 bytes
  std::string_view details{};  ///< shown by the UI, at most 20,000 bytes
};

/// Where an activity runs. A coroutine runs on a loop; a plain function in a child process, unless
/// it asks for threads or the worker puts all on threads.
enum class Executor { child, threads, loop };

/// What one task of an activity may take in its child process; each is put up for the one task and
/// taken down after it, so any child serves any activity. They guard against accidents: code that
/// means harm needs another user and a cgroup.
struct ActivityLimits {
  /// Bytes of address space beyond what is mapped when the task starts (RLIMIT_AS); 0: unlimited.
  /// Over it memory is refused: std::bad_alloc, and the child is replaced after it. Where children
  /// have cgroups (`--child-cgroup`), the same of memory, for it and what it starts together
  /// (memory.max): over it they are killed, as `ActivityProcessOutOfMemory`.
  std::size_t memory = 0;
  /// Of the whole process, in whole seconds (RLIMIT_CPU); 0: unlimited. Over it the process ends, as
  /// `ActivityCpuLimit`.
  std::chrono::seconds cpu_time{};
  /// Descriptors more than are open when the task starts (RLIMIT_NOFILE); 0: unlimited.
  int open_files = 0;
  /// Of the whole user, threads included (RLIMIT_NPROC): over it no process is started and no thread;
  /// 0: unlimited. Root is not held to it.
  int processes = 0;
  /// Added to the child's own niceness and `oom_score_adj` (`--child-nice`, 500) up to the system's
  /// most, 19 and 1000. A child that may not take its niceness back is replaced after the task.
  int nice = 0;
  int oom_score_adj = 0;
  /// From a cancellation to SIGTERM, from the activity's own timeout to SIGTERM, from SIGTERM to
  /// SIGKILL. Default: `--cancel-grace`, `--timeout-grace`, `--term-grace`. kNever: it is waited for.
  std::optional<Duration> cancel_grace{};
  std::optional<Duration> timeout_grace{};
  std::optional<Duration> term_grace{};

  static constexpr Duration kNever = Duration::max();
};

/// How a plain function is registered.
struct ActivityRegistration {
  std::string_view name{};  ///< default: the function's own name
  /// Default: `--activity-executor`, which is a child process. On threads a crash ends the whole
  /// worker, and what hangs is never killed.
  std::optional<Executor> executor{};
  /// Hold in a child only: std::invalid_argument beside Executor::threads.
  ActivityLimits limits{};
  /// The worker sends a heartbeat so often, with the newest details, as long as the activity goes
  /// on to call progress() or heartbeat(): one that hangs does not beat. Looked at once a second;
  /// 0: only what heartbeat() says is sent.
  Duration auto_heartbeat{};
};

/// How a coroutine is registered: there is no executor to choose, it runs on the loop threads.
struct CoroutineRegistration {
  std::string_view name{};
  Duration auto_heartbeat{};  ///< as of a plain function
};

/// What becomes of a run when the deployment that its worker belongs to has a new current version.
enum class Versioning {
  unspecified,   ///< `--default-versioning-behavior`
  pinned,        ///< it stays with the version it began on
  auto_upgrade,  ///< its next task goes to the new one: changes of its code need patches
};

struct WorkflowRegistration {
  std::string_view name{};  ///< default: the class's own name
};

/// What is said of a handler that still runs when its workflow ends: it is cut off there.
enum class Unfinished {
  warn,     ///< the log names it
  abandon,  ///< nothing: it was meant to be cut off
};

struct SignalRegistration {
  std::string_view name{};         ///< default: the method's own name
  std::string_view description{};  ///< shown by the UI
  Unfinished unfinished = Unfinished::warn;
};

struct QueryRegistration {
  std::string_view name{};
  std::string_view description{};
};

struct UpdateRegistration {
  std::string_view name{};
  std::string_view description{};
  Unfinished unfinished = Unfinished::warn;
};

/// How a client starts a workflow. `memo` and `search_attributes` point to objects that live until
/// the call.
struct StartOptions {
  std::string_view id{};  ///< default: a random UUID
  std::string_view task_queue{};
  Duration execution_timeout{};  ///< over all retries and continuations; 0: none
  Duration run_timeout{};
  Duration task_timeout{};  ///< server's default 10 s
  RetryPolicy retry{};      ///< unset: the workflow is not retried
  IdReuse id_reuse = IdReuse::allow_duplicate;
  IdConflict id_conflict = IdConflict::fail;
  std::string_view cron_schedule{};
  Duration start_delay{};  ///< before its first task; a signal wakes it earlier
  const Memo* memo = nullptr;
  const SearchAttributes* search_attributes = nullptr;
  Priority priority{};
  std::string_view summary{};  ///< shown by the UI, at most 400 bytes
  std::string_view details{};  ///< shown by the UI, at most 20,000 bytes
};

static_assert(std::is_trivially_destructible_v<ActivityOptions>);
static_assert(std::is_trivially_destructible_v<LocalActivityOptions>);
static_assert(std::is_trivially_destructible_v<TimerOptions>);
static_assert(std::is_trivially_destructible_v<ContinueOptions>);
static_assert(std::is_trivially_destructible_v<ChildOptions>);
static_assert(std::is_trivially_destructible_v<ActivityRegistration>);
static_assert(std::is_trivially_destructible_v<CoroutineRegistration>);
static_assert(std::is_trivially_destructible_v<WorkflowRegistration>);
static_assert(std::is_trivially_destructible_v<SignalRegistration>);
static_assert(std::is_trivially_destructible_v<QueryRegistration>);
static_assert(std::is_trivially_destructible_v<UpdateRegistration>);
static_assert(std::is_trivially_destructible_v<StartOptions>);

}  // namespace temporal
