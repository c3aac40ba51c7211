// SPDX-License-Identifier: MIT
// Activity tasks: reserve a place in every home that some activity may need, poll, keep the one
// that is needed, run the attempt, answer.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/activity/attempt.hpp"
#include "supervisor/activity/executor.hpp"
#include "supervisor/tasks/permits.hpp"
#include "supervisor/tasks/pollers.hpp"
#include "supervisor/tasks/rate_limit.hpp"
#include "temporal/module.hpp"

namespace temporal::supervisor {

/// One home of activities: who runs them and how many at a time.
struct Home {
  Executor& executor;
  Permits& places;
};

/// The homes of a worker, by temporal::Executor; null where no registered activity needs one.
using Homes = std::array<Home*, 3>;

struct ActivityQueue {
  std::string name_space;
  std::string task_queue;
  std::string identity;
  std::string worker_instance_key;
  int pollers = 5;
  /// Where plain functions run that did not choose.
  temporal::Executor plain = temporal::Executor::child;
  double per_second = 0;  ///< started by this worker; 0: unlimited
  double queue_per_second =
      0;               ///< started from the queue by all workers, kept by the server; 0: unlimited
  int max_eager = 0;   ///< that came without a poll, at a time; 0: unlimited
  bool eager = false;  ///< some come with the answers of this worker's workflow tasks
};

/// Thread rule: core loop only.
class ActivityTasks {
 public:
  ActivityTasks(ActivityQueue queue, const Module& module, AttemptSettings& settings,
                Permits& activities, Homes homes);

  void start(Pollers::Failed failed) {
    pollers_.start(
        polls_at_once(), [this] { return turn(); }, std::move(failed));
  }
  void stop_polling() noexcept { pollers_.stop(); }
  /// Polls are given up, but for what they have brought; none follows before resume_polling().
  void pause_polling() { pollers_.pause(); }
  void resume_polling() { pollers_.resume(); }
  void set_pollers(int count);
  /// Of some home, or all of them together, there are others than before. `fewer`: open polls give back those they hold.
  void places_changed(bool fewer);
  boost::asio::awaitable<void> end_polling(std::chrono::steady_clock::duration patience) {
    return pollers_.end(patience);
  }

  /// What one task may need, taken before it is asked for.
  struct Places {
    Permit activity;
    std::array<Permit, 3> home;
    Permit eager;
  };
  /// For a task of this type that may come with the answer of a workflow task; nothing when none could start now.
  [[nodiscard]] std::optional<Places> try_reserve(const std::string& type);
  /// It came.
  void take(ActivityTask task, Places places);

  /// The steps of a stop, for every attempt that runs.
  void notify_shutdown();
  void cancel_all(CancelReason reason);
  void terminate_all();
  /// Answers for those that nothing has ended. drained() goes on to wait for them.
  boost::asio::awaitable<void> abandon_all();
  boost::asio::awaitable<void> drained() { return running_.empty(); }
  [[nodiscard]] int running() const noexcept { return running_.inside(); }

  /// For who watches: polls that are open, and how many tasks there may be at a time.
  [[nodiscard]] int polls() const noexcept { return pollers_.open(); }
  [[nodiscard]] int slots() const noexcept;
  /// Attempt::view() of the `most` that have run for longest, and their `home`, by its name.
  [[nodiscard]] LogFields tasks(std::size_t most) const;
  /// Those that run under this name: an activity id, a workflow id / an activity id, or a process id.
  [[nodiscard]] std::vector<Attempt*> named(const std::string& name) const;
  /// Of each home its attempts that run and its places, by the home's name.
  [[nodiscard]] LogFields homes() const;
  /// Has each home a place at all, taken or not? Otherwise no poll is sent.
  [[nodiscard]] bool homes_up() const noexcept;

 private:
  class Listed;
  boost::asio::awaitable<Places> reserve();
  [[nodiscard]] int polls_at_once() const noexcept;
  boost::asio::awaitable<void> turn();
  void begin(ActivityTask task, Places places, bool eager);
  boost::asio::awaitable<void> handle(ActivityTask task, Places places, bool eager,
                                      Gate::Pass pass);
  boost::asio::awaitable<void> refuse(ActivityTask task, bool eager);
  void look_at_attempts();

  ActivityQueue queue_;
  const Module& module_;
  AttemptSettings& settings_;
  Permits& activities_;
  Homes homes_;
  RateLimit rate_;
  Permits eager_;
  Pollers pollers_;
  std::list<Attempt*> attempts_;
  std::array<int, 3> running_in_{};  // by temporal::Executor
  boost::asio::steady_timer next_look_;
  bool looking_ = false;
  bool shutdown_notice_ = false;
  Gate running_;
  int unanswered_ = 0;
  Wakeup answered_;
};

}  // namespace temporal::supervisor
