// SPDX-License-Identifier: MIT
// Where can the activities of a worker run? The homes that some registered activity needs, no
// others: children, threads, loops, each with its places; the objects that those in this process
// stand on; and what coroutines hand over.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "shared/homes.hpp"
#include "supervisor/activity/child_executor.hpp"
#include "supervisor/activity/loop_executor.hpp"
#include "supervisor/activity/offload.hpp"
#include "supervisor/activity/thread_executor.hpp"
#include "supervisor/children/child_pool.hpp"
#include "supervisor/options.hpp"
#include "supervisor/tasks/activity_tasks.hpp"
#include "supervisor/tasks/local_calls.hpp"
#include "supervisor/tasks/permits.hpp"
#include "supervisor/threads/activity_threads.hpp"
#include "supervisor/threads/loop_threads.hpp"
#include "supervisor/threads/watchdog.hpp"
#include "temporal/log.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

/// Activities of `module` that child processes may have at a time.
[[nodiscard]] int most_child_places(const Options& options, const Module& module);

/// Thread rule: core loop only.
class ActivityHomes {
 public:
  /// All must outlive this. Throws SettingsError for options that leave an activity without a home.
  ActivityHomes(boost::asio::any_io_executor core, const Options& options, const Module& module,
                Watchdog& watchdog, Logger& log);
  ActivityHomes(const ActivityHomes&) = delete;
  ActivityHomes& operator=(const ActivityHomes&) = delete;
  ~ActivityHomes();

  /// Some activity, or what a coroutine hands over, needs a child process.
  [[nodiscard]] bool needs_children() const { return children_ || offload_; }
  /// Returns when every home can take tasks. Throws children::PoolError, ModuleError. `program`: of
  /// the zygote; `cgroups`: see ChildSettings.
  boost::asio::awaitable<void> start(children::ZygoteProgram program,
                                     std::shared_ptr<children::DelegatedCgroup> cgroups);

  /// For activity::client() on the loops. Must outlive this.
  void give_client(activity::detail::ClientBackend& client);

  [[nodiscard]] Homes table();
  /// For local activities: in these, no place has to be taken first.
  [[nodiscard]] Executors executors();
  /// Null without children.
  [[nodiscard]] children::ChildPool* pool() const noexcept { return pool_.get(); }
  /// From now on so many children for polled tasks, at least 1, or more while tasks wait, up to `children_max`; only where
  /// has_polled_children(). Fewer: a child that a task, or a poll that is open, has been promised stays until then.
  void set_children(int count);
  [[nodiscard]] bool has_polled_children() const { return child_home_ && wanted_children_ > 0; }
  [[nodiscard]] int wanted_children() const { return wanted_children_; }
  /// User code runs on a thread: it holds what a destructor would free.
  [[nodiscard]] bool threads_busy() const;

 private:
  boost::asio::awaitable<void> build_objects();
  boost::asio::awaitable<void> start_children(children::ZygoteProgram program,
                                              std::shared_ptr<children::DelegatedCgroup> cgroups);
  void warn_of_unused_places() const;
  [[nodiscard]] std::vector<int> cores_to_pin_to() const;
  void follow_wanted();
  /// While tasks wait.
  [[nodiscard]] int most_wanted_places() const;
  [[nodiscard]] int child_places() const;
  void start_threads();
  void start_loops();

  boost::asio::any_io_executor core_;
  const Options& options_;
  const Module& module_;
  Watchdog& watchdog_;
  Logger& log_;
  bool children_, threads_, loops_, offload_;

  // In order of need: who must end first is declared last.
  Objects objects_;
  std::optional<Permits> child_places_, thread_places_, loop_places_;
  std::unique_ptr<children::ChildPool> pool_;
  int wanted_children_ = 0;
  std::optional<boost::asio::steady_timer> shrinking_;
  std::optional<ActivityThreads> aside_;  // constructors and to_thread()
  std::optional<ActivityThreads>
      callbacks_;  // of stop tokens: a cancellation waits for nothing else
  std::optional<ActivityThreads> activity_threads_;
  std::optional<ChildExecutor> child_executor_;
  std::optional<ThreadExecutor> thread_executor_;
  std::optional<LoopOffload> loop_offload_;
  std::optional<LoopThreads> loop_threads_;
  std::vector<Watchdog::Watch> watches_;
  std::optional<LoopExecutor> loop_executor_;
  std::optional<Home> child_home_, thread_home_, loop_home_;
};

}  // namespace temporal::supervisor
