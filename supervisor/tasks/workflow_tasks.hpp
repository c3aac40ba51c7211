// SPDX-License-Identifier: MIT
// Workflow tasks: permit, poll, check the run out of the cache or fetch what is missing of its
// history, activate it on a workflow thread, respond, check it in.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/deployment.hpp"
#include "supervisor/observe/worker_metrics.hpp"
#include "supervisor/rpc/workflow_service.hpp"
#include "supervisor/tasks/activity_tasks.hpp"
#include "supervisor/tasks/local_calls.hpp"
#include "supervisor/tasks/permits.hpp"
#include "supervisor/tasks/poisoned_runs.hpp"
#include "supervisor/tasks/poll_balance.hpp"
#include "supervisor/tasks/pollers.hpp"
#include "supervisor/tasks/run_cache.hpp"
#include "supervisor/tasks/task_failures.hpp"
#include "supervisor/tasks/workflow_history.hpp"
#include "supervisor/threads/workflow_threads.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/determinism_guard.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

/// The queue to which the server sends the tasks of the runs that are kept here.
struct StickyQueue {
  std::string name;  ///< of this process alone: what it is sent fits no other's runs
  std::size_t max_cached = 1000;
  std::size_t max_bytes = 0;  ///< that the runs kept may take; 0: unbounded
  /// For how long a task waits for this worker before any other may have it.
  std::chrono::milliseconds schedule_to_start{10'000};
  double nonsticky_ratio = 0.2;  ///< share of the polls that stays with the normal queue
};

struct WorkflowQueue {
  std::string name_space;
  std::string task_queue;
  std::string identity;
  std::string worker_instance_key;
  int pollers = 5;
  std::chrono::milliseconds deadlock_timeout{2'000};
  DeterminismGuard determinism_guard = DeterminismGuard::off;
  bool server_keeps_sdk_metadata = true;
  Deployment deployment{};
  std::optional<StickyQueue> sticky{};  ///< none: every task replays its run
  std::size_t max_run_bytes = 0;        ///< a run that takes more fails its task; 0: unbounded
  std::size_t blob_limit = AttemptSettings::kBlobLimit;
  CrashHistory crashes{};
};

/// Since the start.
struct CacheCounts {
  std::uint64_t hits = 0;       ///< tasks that went on with the run in memory
  std::uint64_t misses = 0;     ///< tasks with news only, of a run that was not there
  std::uint64_t evictions = 0;  ///< runs that made room, or that fit their history no longer
};

/// Thread rule: core loop only.
class WorkflowTasks {
 public:
  WorkflowTasks(boost::asio::any_io_executor core, WorkflowQueue queue, const Module& module,
                WorkflowService& service, WorkflowThreads& threads, LocalCalls& locals,
                Permits& permits, Logger& log, WorkerMetrics& metrics);

  void start(const Pollers::Failed& failed);
  /// For the first task of a workflow that is started on this queue, by somebody in this process: it may come with the answer.
  /// Not for a versioned worker: the server would not know which version the task goes to.
  [[nodiscard]] std::optional<Permit> try_reserve(const std::string& task_queue);
  void take(PolledWorkflowTask task, Permit place);
  /// Activities of its own queue may come with the answer of a workflow task: as many as have a free place, at most `most` (none:
  /// no other bound). `activities` must outlive this.
  void start_activities_in(ActivityTasks& activities, std::optional<int> most) {
    activities_ = &activities;
    most_eager_ = most;
  }
  void stop_polling() noexcept { pollers_.stop(); }
  /// Polls are given up, but for what they have brought; none follows before resume_polling().
  void pause_polling() { pollers_.pause(); }
  void resume_polling() { pollers_.resume(); }
  void set_pollers(int count);
  boost::asio::awaitable<void> end_polling(std::chrono::steady_clock::duration patience) {
    return pollers_.end(patience);
  }
  /// No task runs, and no run is being destroyed.
  boost::asio::awaitable<void> drained() { return running_.empty(); }
  [[nodiscard]] int running() const noexcept { return running_.inside(); }

  /// Destroys the runs that are kept, each on a workflow thread: drained() tells when it is done.
  void forget_runs();
  [[nodiscard]] std::size_t cached() const noexcept { return cache_.size(); }
  [[nodiscard]] std::size_t cached_bytes() const noexcept { return cache_.bytes(); }
  [[nodiscard]] const CacheCounts& cache_counts() const noexcept { return counts_; }

  /// For who watches: polls that are open, and how many tasks there may be at a time.
  [[nodiscard]] int polls() const noexcept { return pollers_.open(); }
  [[nodiscard]] int slots() const noexcept { return permits_.capacity(); }

 private:
  using Task = PolledWorkflowTask;
  using Run = RunCache::Run;
  using Completed = api::workflowservice::v1::RespondWorkflowTaskCompletedResponse;
  // Shared with the thread: when the workflow never returns, all of this belongs to that thread alone.
  struct Activation {
    Run run;  // null once it is over, or good for nothing any more
    engine::WorkflowTaskInput input;
    bool has_news = true;  // else the run is only asked
    std::vector<engine::Query> queries;
    engine::TaskOutcome outcome;
    std::optional<Tripwire::Trip> trip;  // the first violation of determinism
    std::vector<engine::QueryAnswer> answers;
    /// Its run is of no use any more. `keeps`: runs stay in memory between their tasks.
    [[nodiscard]] bool is_over(bool keeps) const {
      return outcome.failure || outcome.finished || (!keeps && !outcome.waits);
    }
  };

  struct Answer {
    bool keeps_run = false;
    bool renews =
        false;  ///< another task is to follow at once: the code waits for local activities
    int local_retries = 0;
  };

  [[nodiscard]] PollerSplit split() const;
  boost::asio::awaitable<void> turn(PollKind kind);
  boost::asio::awaitable<void> handle(Task task, Permit permit, Gate::Pass pass);
  boost::asio::awaitable<std::optional<Task>> serve(Task task);
  boost::asio::awaitable<bool> complete_history(Task& task, RunCache::Lease& lease);
  boost::asio::awaitable<std::shared_ptr<Activation>> activate(Task& task, Run run);
  boost::asio::awaitable<std::shared_ptr<Activation>> step(const Task& task,
                                                           std::shared_ptr<Activation> activation,
                                                           WorkflowThreads::Work work);
  boost::asio::awaitable<std::optional<int>> run_locals(
      Task& task, std::shared_ptr<Activation>& activation,
      std::chrono::steady_clock::time_point received);
  boost::asio::awaitable<std::shared_ptr<Activation>> resolve(
      const Task& task, std::shared_ptr<Activation> activation, engine::LocalResult result);
  boost::asio::awaitable<bool> renew(Task& task, std::shared_ptr<Activation>& activation,
                                     int retries);
  boost::asio::awaitable<std::optional<Completed>> respond(const Task& task, Activation& activation,
                                                           Answer answer);
  void note_refused(const Task& task, const RpcError& error);
  using Reserved = std::map<std::string, ActivityTasks::Places>;  // by activity id
  Reserved reserve_places(api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& request,
                          bool closes);
  boost::asio::awaitable<void> respond_failed(const Task& task, engine::TaskFailure failure,
                                              bool also_later_attempts = false);
  boost::asio::awaitable<void> fail_crashed(PoisonedRuns::Unanswered task, Gate::Pass pass);
  boost::asio::awaitable<void> answer_query(Task task);
  boost::asio::awaitable<void> respond_query(const Task& task, engine::QueryAnswer answer);
  [[nodiscard]] bool keeps_runs() const noexcept {
    return cache_.capacity() > 0 && !pollers_.stopping();
  }
  struct Bounds {
    DeterminismGuard guard;
    std::size_t run_bytes;  ///< 0: unbounded
  };
  [[nodiscard]] Bounds bounds() const { return {queue_.determinism_guard, queue_.max_run_bytes}; }
  static void advance(Activation& activation, Bounds bounds,
                      const std::function<engine::TaskOutcome()>& step);
  boost::asio::awaitable<void> judge(const Task& task, std::shared_ptr<Activation> activation);
  std::function<Run()> run_maker(const Task& task) const;
  void evict(Run run);
  void keep(RunCache::Lease lease);
  void destroy_later(Run run);
  boost::asio::awaitable<void> destroy(Run run, Gate::Pass pass);
  std::function<void(std::exception_ptr)> bug(const char* what) const;
  api::taskqueue::v1::TaskQueue sticky_queue() const;
  engine::LogSink log_sink() const;
  LogFields fields(const Task& task) const;

  boost::asio::any_io_executor core_;
  WorkflowQueue queue_;
  const Module& module_;
  WorkflowService& service_;
  WorkflowThreads& threads_;
  LocalCalls& locals_;
  ActivityTasks* activities_ = nullptr;
  std::optional<int> most_eager_;
  Logger& log_;
  WorkerMetrics& metrics_;
  Permits& permits_;
  PollBalance balance_;
  RunCache cache_;
  PoisonedRuns poisoned_;
  CacheCounts counts_;
  Pollers pollers_;
  Gate running_;
};

}  // namespace temporal::supervisor
