// SPDX-License-Identifier: MIT
// The children of one queue: as many as were asked for, more while tasks wait and are allowed more, replaced when they die, each with
// one task at most. Blocking activities run here. A death fails the one task that was in hand; nothing else notices. What coroutine
// activities hand over has a share of its own, beyond those: forked when it is first needed, told to leave when it was idle for long.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/children/child.hpp"
#include "supervisor/children/generation.hpp"
#include "supervisor/children/lifespan.hpp"
#include "supervisor/children/memory_kills.hpp"
#include "supervisor/children/pool_view.hpp"
#include "supervisor/children/shares.hpp"
#include "supervisor/children/spawn_budget.hpp"
#include "supervisor/children/task.hpp"
#include "supervisor/children/waiting_line.hpp"
#include "supervisor/children/zygote_link.hpp"
#include "supervisor/wakeup.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor::children {

/// What is counted are places for tasks: child.places in each process, which is one unless said otherwise. `children` and
/// `most_children` are multiples of that.
struct PoolOptions {
  int children = 1;  ///< for Share::polled: there from start() on
  /// For Share::polled, while tasks wait for a child; not below `children`, which 0 stands for.
  int most_children = 0;
  /// For Share::offload: at most so many more, while they are in use. With 0 children as well no zygote is started.
  int offload_children = 0;
  /// For so long a child beyond those needed has been idle when it is told to leave; one at a time, up to an eighth later.
  std::chrono::milliseconds reap_after{30'000};
  ZygoteProgram program;
  /// What temporal::fingerprint() says of the modules in this process; a first zygote that loaded others is refused, later ones
  /// only have to offer program.needs. Empty: any.
  std::string fingerprint;
  ChildSettings child;
  Recycling recycling;
  /// A child is bound to one of these, that with the fewest children. Empty: they run where they may.
  std::vector<int> cores;
  /// Gives names to addresses of this process, where they stand for those of a child; calls `done` on the core loop, soon.
  /// Empty: a crash is told without its stack.
  std::function<void(std::vector<std::uintptr_t> frames, std::function<void(NamedStack)> done)>
      name_stack;
  std::chrono::milliseconds resource_patience{
      5'000};  ///< for memory or descriptors to start a task with
};

/// For who watches a pool: its places now, and what happened since it was made, to processes.
struct PoolCounts {
  int starting = 0;
  int idle = 0;
  int busy = 0;
  int stopping = 0;
  std::uint64_t starts = 0;
  std::uint64_t zygotes = 0;  ///< started
  std::uint64_t reloads = 0;  ///< new tasks went to new code
  std::uint64_t refused_reloads = 0;
  std::map<std::string_view, std::uint64_t>
      exits;  ///< by reason_of(), or stopped, recycled, not_started
  ChildCounts of_children;
};

/// The pool cannot be started, as a sentence.
class PoolError : public std::runtime_error {
 public:
  PoolError(const std::string& sentence, bool module)
      : std::runtime_error(sentence), module_(module) {}
  /// A module could not be loaded: the user's to repair.
  [[nodiscard]] bool module() const { return module_; }

 private:
  bool module_;
};

/// How a reload ended: why it was refused, as a sentence; empty: new tasks go to the new code.
using ReloadDone = std::function<void(const std::string& refused)>;

/// Thread rule: core loop only, on a thread that lives as long as the pool.
class ChildPool final : GenerationOwner, ChildOwner {
 public:
  ChildPool(boost::asio::any_io_executor core, PoolOptions options, Logger& log);
  ChildPool(const ChildPool&) = delete;
  ChildPool& operator=(const ChildPool&) = delete;
  /// Kills what stop() did not.
  ~ChildPool();

  /// Returns when the modules are loaded and all `children` ready. Throws PoolError; the pool is stopped then.
  boost::asio::awaitable<void> start();

  /// Runs one task to its end. Throws only for its own bugs. Waits, in order, while its share has no child; an offloaded task
  /// does not wait for a degraded pool: it ends as Failed with WorkerResources. `start`: everything but the task's number.
  boost::asio::awaitable<Outcome> run(child::v1::Start start, AttemptHandle& handle,
                                      Share share = Share::polled);

  /// How many polled tasks may be taken on, those that run included: as many as there are ready children, idle or busy, that
  /// no offloaded task has; `most_children` when these are `children` and more can be had. 0 while stopping;
  /// while degraded, too, but for one task after each delay, if children start at all.
  [[nodiscard]] int capacity() const;
  [[nodiscard]] int idle_count() const;
  /// Children die as fast as they are replaced. It keeps trying: see capacity().
  [[nodiscard]] bool degraded() const { return degraded_; }
  /// Of the generation that takes new tasks.
  [[nodiscard]] pid_t zygote_pid() const { return current_ ? current_->zygote()->pid() : 0; }
  /// Of each process; 0 for a place whose process the zygote has not told yet.
  [[nodiscard]] std::vector<pid_t> child_pids() const;
  [[nodiscard]] PoolCounts counts() const;
  [[nodiscard]] PoolView view() const;
  /// From now on so many `children`, at least 1, and so many at most, in a pool that was made for some. Those too many leave when
  /// they are idle.
  void set_children(int children, int most_children = 0);
  /// An operator ends the task that this child has in hand. False: it has none, or there is no such child.
  bool kill_task(pid_t pid);
  /// Has a child said something that was not read yet?
  [[nodiscard]] bool answer_waits() const;
  /// Called when it becomes degraded().
  std::function<void()> on_degraded;
  /// Called after capacity() changed.
  std::function<void()> on_capacity_change;

  /// A second zygote loads the modules as they are on disk now. When its first child is ready, all children to come are its, and
  /// the others leave as soon as they have nothing in hand. If it cannot load, cannot start a child or offers less than
  /// program.needs, everything stays as it is. One at a time: a second reload takes the place of one that is not through yet.
  /// `done`, which may be empty, is called once, at once or later.
  void reload(ReloadDone done = {});

  /// worker_shutdown() becomes true in all children, those to come included. Not a cancellation.
  void notify_shutdown();
  /// Tasks that wait for a child, and those to come, end as Failed with WorkerShutdown; nothing is respawned.
  void stop_accepting();
  /// stop_accepting; cancels what runs; after `cancel_grace` SIGTERM; after term_grace SIGKILL; ends the zygote. Returns when
  /// no process is left.
  boost::asio::awaitable<void> stop(
      std::chrono::milliseconds cancel_grace = std::chrono::milliseconds(3'000));
  /// SIGKILL for each child that has a task; how the task ends is as after AttemptHandle::terminate(), which may stand before it.
  void kill_tasks();
  /// No grace any more, for a stop() that is under way or about to be called.
  void kill_all();

 private:
  using Clock = std::chrono::steady_clock;
  struct Idle {
    std::shared_ptr<Child> child;
    Clock::time_point since;
  };

  void on_loaded(Generation& generation) override;
  void on_load_failed(Generation& generation, const std::string& sentence) override;
  void on_spawned(std::uint32_t incarnation, pid_t pid, ipc::UniqueFd pidfd) override;
  void on_spawn_failed(std::uint32_t incarnation, const std::string& why) override;
  void on_exited(const child::v1::Exited& exited) override;
  void on_zygote_gone(Generation& generation, const std::string& how) override;
  void on_ready(Child& child) override;
  void on_idle(Child& child) override;
  void on_gone(Child& child, Gone how, const Death& death) override;
  void name_stack(Child& child, const std::vector<std::uintptr_t>& frames,
                  std::function<void(NamedStack)> done) override;
  bool killed_for_memory() override { return memory_kills_.claim(); }
  void end_cgroup(const std::filesystem::path& cgroup, bool dead) override;
  void end_cgroups(std::chrono::milliseconds again);
  std::shared_ptr<Ears> ears() override;
  boost::asio::any_io_executor beside_the_loop() override;

  // pool_generations.cpp: who forks.
  void start_zygote();
  std::shared_ptr<Generation> start_generation();
  std::shared_ptr<Generation> generation_of(const Child& child) const;
  void forget_the_gone();

  // child_pool.cpp: what the children tell.
  void refuse_start(const std::string& sentence, bool module);
  /// Of a process, by the incarnation that its zygote knows.
  [[nodiscard]] std::vector<std::shared_ptr<Child>> places_of(std::uint32_t incarnation) const;
  void tell_of(Child& child, Gone how, const Death& death,
               const std::shared_ptr<Generation>& generation);
  [[nodiscard]] Clock::duration charge(Gone how, const Death& death,
                                       const std::shared_ptr<Generation>& generation);
  /// Calls `what` after `delay`, unless the pool is stopping or gone by then.
  void later(Clock::duration delay, const std::function<void(ChildPool&)>& what);
  /// The same, but void after a reload: what the old code has earned is not the new one's to wait for.
  void later_unless_reloaded(Clock::duration delay, const std::function<void(ChildPool&)>& what);
  void changed();
  void watch();
  void sweep();
  bool anything_in_flight() const;

  // pool_tasks.cpp: which child takes a task.
  WaitingLine& line_of(Share share) { return share == Share::polled ? polled_ : offloaded_; }
  /// Null: it has to wait_for_child().
  std::shared_ptr<Child> take_child_now(Share share, const AttemptHandle& handle);
  /// Null: it shall not run, and refusal() says why.
  boost::asio::awaitable<std::shared_ptr<Child>> wait_for_child(Share share, AttemptHandle& handle);
  std::shared_ptr<Child> take_idle(Share share);
  /// An idle child is for polled tasks, and none is too many: there is nothing to count.
  [[nodiscard]] bool only_polled_tasks_take_them() const {
    return shares_.size(Share::offload) == 0 &&
           static_cast<int>(children_.size()) <= shares_.size(Share::polled);
  }
  void put_back(const std::shared_ptr<Child>& child);
  /// What assign() would do with a large `start`, up to the point where the child sees it.
  boost::asio::awaitable<ipc::Send> stage(const std::shared_ptr<Child>& child,
                                          child::v1::Start& start, AttemptHandle& handle);
  void wake_lines();
  Outcome refusal(const AttemptHandle& handle) const;

  // pool_size.cpp: how many children there are.
  Census census() const;
  [[nodiscard]] int processes(int places) const { return places / options_.child.places; }
  /// As many as whole processes have.
  [[nodiscard]] int wanted(const Census& now) const;
  /// All places of its process leave, as soon as each is idle.
  void dismiss(Child& child, std::string_view why);
  [[nodiscard]] ChildSettings settings_of_next() const;
  void spawn_missing();
  /// False: no memory, no descriptors.
  bool spawn_in(Generation& generation);
  /// So many of those missing are not forked before `delay` is over, whoever asks for them.
  void spawn_later(int children, Clock::duration delay);
  /// Degraded, and no delay left: one task is tried.
  void allow_trial();
  /// One did not start: how long the next try has to wait, and no more is promised than there is, if it was one that was added.
  [[nodiscard]] Clock::duration after_boot_crash(Clock::time_point now);
  void reap_later();
  /// Is there one too many, which leaves now?
  [[nodiscard]] bool take_excess();
  void reap();
  /// It is told to leave, and another one is forked for it, if it has outlived its bounds.
  bool recycle(Child& child);
  void recycle_later();
  void recycle_aged();

  // pool_reload.cpp: from one build to the next.
  void begin_reload();
  void end_reload(const std::string& refused);
  void refuse_reload(const std::string& why);
  void take_over();
  /// It is of a generation that takes no new tasks: it was told to leave, and another one is forked for it.
  bool leaves_with_its_generation(Child& child);
  void end_if_drained(const std::shared_ptr<Generation>& generation);

  /// pool_stop.cpp. How many are still there.
  int kill_orphans();

  boost::asio::any_io_executor core_;
  const PoolOptions options_;
  Logger& log_;
  Shares shares_;
  SpawnBudget budget_;
  MemoryKills memory_kills_;

  std::vector<std::shared_ptr<Generation>> generations_;  // whose zygote is there, or a child
  std::shared_ptr<Generation>
      current_;                       // takes new tasks; null: its zygote died, the next is to come
  std::shared_ptr<Generation> next_;  // of a reload, until its first child is ready
  std::vector<std::shared_ptr<ZygoteLink>> dead_zygotes_;  // whose orphans may still arrive
  Clock::time_point zygote_died_at_;
  std::string build_;  // of the last generation that took tasks
  ReloadDone reload_done_;
  bool reload_after_start_ = false;
  std::uint64_t reloads_ = 0, refused_reloads_ = 0;
  int naming_ = 0;  // stacks of crashes

  std::shared_ptr<Ears> ears_;  // once there is a child
  std::map<std::uint32_t, std::shared_ptr<Child>> children_;
  std::deque<Idle> idle_;  // the longest idle first; tasks take the last, whose memory is warm
  std::uint32_t next_incarnation_ = 1;
  std::uint64_t starts_ = 0;
  std::uint64_t zygotes_ = 0;
  std::map<std::string_view, std::uint64_t> exits_;
  ChildCounts of_gone_;
  Clock::time_point growth_waits_until_{};  // more children than `children` could not be had
  int held_ = 0;                            // missing, and their delay is not over
  int excess_ = 0;  // places to leave when they are idle: fewer are wanted than there were
  std::optional<LastCrash> last_crash_;
  WaitingLine polled_, offloaded_;
  bool ending_cgroups_ = false;
  bool reaping_ = false;
  bool aging_ = false;
  std::minstd_rand random_{std::random_device{}()};

  std::set<std::shared_ptr<boost::asio::steady_timer>> timers_;
  boost::asio::steady_timer sweep_timer_;
  bool sweeping_ = false;
  Wakeup changed_;
  int capacity_told_ = 0;
  bool degraded_ = false;
  int on_trial_ = 0;  // while it is degraded: polled tasks, the one that is tried included
  bool starting_ = false;
  bool accepting_ = false;
  bool notified_ = false;  // of the shutdown
  bool stopping_ = false;
  bool hurry_ = false;
  std::optional<PoolError> refused_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  /// One thread, once it is needed. The last member: it ends before what it works on.
  std::optional<boost::asio::thread_pool> beside_;
};

}  // namespace temporal::supervisor::children
