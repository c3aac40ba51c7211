// SPDX-License-Identifier: MIT
// One incarnation of one child, from its arena to its last word. It believes nothing the child writes, and knows that the task
// in hand is its own, because the supervisor assigned it: no acknowledgement is needed to know what a death cost.
//
// With --tasks-per-child each place of a process is one of these, with an arena, rings and bells of its own; `ChildProcess` is what they
// have in common. They end together.
//
//  state     on                                   →  state     and
//  starting  Ready                                   idle      one place more
//  starting  end, or 10 s without Ready              gone      boot crash
//  idle      assign                                  busy      Start on ring A, a clear cancel word
//  busy      Completed, Failed, Canceled, Async      idle      answer once
//  busy      terminate                               killing   SIGTERM, after term_grace SIGKILL
//  idle      quit                                    leaving   Quit; expects exit code 155
//  leaving   10 s without its end                    killing   SIGTERM, after term_grace SIGKILL
//  any       corrupt, or three stray answers         killing   SIGKILL at once
//  any       dumps core                              gone      the same, and the dump goes on
//  any       pidfd readable                          gone      drain, learn how, answer for the task, tell the owner
//  any       another place of its process is killing killing   takes nothing new, and ends with it
//  idle      1 s after a task                        idle      Ping, once
//  idle,busy neither took what was sent, for 5 s     killing   SIGKILL at once: lost; what it did not take goes to another
//  killing   10 s after SIGKILL                      gone      stuck in the kernel: given up
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "child/v1/child.pb.h"
#include "shared/ipc/cancel_word.hpp"
#include "shared/ipc/records.hpp"
#include "supervisor/children/child_process.hpp"
#include "supervisor/children/completion.hpp"
#include "supervisor/children/delegated_cgroup.hpp"
#include "supervisor/children/ears.hpp"
#include "supervisor/children/hearing.hpp"
#include "supervisor/children/kill_ladder.hpp"
#include "supervisor/children/outcome.hpp"
#include "supervisor/children/pool_view.hpp"
#include "supervisor/children/ring_balance.hpp"
#include "supervisor/children/task.hpp"
#include "supervisor/children/zygote_link.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor::children {

/// Larger messages are written and read beside the core loop.
inline constexpr std::size_t kBesideTheLoop = 1024 * 1024;

/// Of one process: as many as their descriptors fit into one message.
inline constexpr int kMostPlaces = 16;

struct ChildSettings {
  std::uint32_t ring_capacity = ipc::kDefaultRingCapacity;
  std::size_t largest_bulk = ipc::kDefaultLargestBulk;
  std::chrono::milliseconds bulk_idle{30'000};  ///< then its segments are given back
  int places = 1;                               ///< tasks that it has at a time, up to kMostPlaces
  int nice = 5;
  int oom_score_adj = 500;
  std::optional<int> core{};  ///< the only one it may run on
  std::size_t memory =
      0;  ///< bytes that a task may take which has no limit of its own; 0: unlimited
  /// In which each child has a cgroup of its own; null: they have the worker's.
  std::shared_ptr<DelegatedCgroup> cgroups{};
  std::chrono::milliseconds term_grace{2'000};
  std::chrono::milliseconds ready_timeout{10'000};
  std::chrono::milliseconds leave_timeout{10'000};  ///< from Quit to the end of its process
  std::chrono::milliseconds ping_after{1'000};      ///< of idleness after a task
  std::chrono::milliseconds lost_after{5'000};      ///< in which it took nothing that was sent
};

enum class Gone {
  boot_crash,  ///< before Ready
  crash,       ///< after it, unasked
  expected,    ///< it was told to leave, or killed here
};

/// For who watches: since it was made.
struct ChildCounts {
  std::uint64_t dropped_logs = 0;     ///< its ring had no room, by its own claim
  std::uint64_t dropped_metrics = 0;  ///< the same
  std::uint64_t terms = 0;            ///< SIGTERM was sent
  std::uint64_t kills = 0;            ///< SIGKILL was sent

  ChildCounts& operator+=(const ChildCounts& more) {
    dropped_logs += more.dropped_logs;
    dropped_metrics += more.dropped_metrics;
    terms += more.terms;
    kills += more.kills;
    return *this;
  }
};

struct Answer {
  Outcome outcome;
  /// False: it died before it took the task from its ring, by its own claim. Another may take it as if nothing had happened.
  bool taken = true;
};

class ChildOwner {
 public:
  virtual void on_ready(Child& child) = 0;
  virtual void on_idle(Child& child) = 0;
  /// The last call; the owner may drop the child. Of those that shared a process all but one have death.told.
  virtual void on_gone(Child& child, Gone how, const Death& death) = 0;
  /// `frames` of a child's process get their names; `done` is called on the core loop, at once or within seconds.
  virtual void name_stack(Child& child, const std::vector<std::uintptr_t>& frames,
                          std::function<void(NamedStack)> done) = 0;
  /// Of a death by SIGKILL that nobody here caused: it was the kernel's doing, whose count this takes one from.
  virtual bool killed_for_memory() = 0;
  /// Of a process that is gone; `dead`: nothing in its cgroup is to live on.
  virtual void end_cgroup(const std::filesystem::path& cgroup, bool dead) = 0;
  /// Null when descriptors are short.
  virtual std::shared_ptr<Ears> ears() = 0;
  /// Where memory is made and copied, so that the core loop is not held. It ends before its owner does.
  virtual boost::asio::any_io_executor beside_the_loop() = 0;

 protected:
  ~ChildOwner() = default;
};

/// Thread rule: core loop only.
class Child final : public BellListener, public std::enable_shared_from_this<Child> {
 public:
  enum class State { starting, idle, busy, leaving, killing, gone };
  using Clock = std::chrono::steady_clock;

  /// Makes the memory, asks the zygote for the process. The children of all its places, whose incarnations begin with `first`; none
  /// when memory or descriptors are short.
  [[nodiscard]] static std::vector<std::shared_ptr<Child>> spawn(
      boost::asio::any_io_executor core, ZygoteLink& zygote, std::uint32_t first,
      const std::string& fingerprint, const ChildSettings& settings, const Lifespan& lifespan,
      ChildOwner& owner, Logger& log);
  ~Child();

  // What the zygote says.
  void on_spawned(pid_t pid, ipc::UniqueFd pidfd);
  void on_spawn_failed(const std::string& why);
  void on_exited(const child::v1::Exited& exited);
  void on_zygote_gone();

  /// Idle only. With `done` the task is in its hands: answer_to() must follow at once. Otherwise nothing happened.
  /// `staged`: stage() has written it already.
  [[nodiscard]] ipc::Send assign(child::v1::Start& start, AttemptHandle& handle,
                                 bool staged = false);
  /// Idle only: it is busy with `start`, which is too large to be written by the core loop, until end_staging(). In between
  /// stage() may be called, by any one thread.
  void begin_staging(child::v1::Start& start, AttemptHandle& handle);
  [[nodiscard]] ipc::Send stage(const child::v1::Start& start) { return channel_.stage(start); }
  /// Idle again, unless it died meanwhile.
  void end_staging();
  /// Completed exactly once, whatever becomes of the child.
  void answer_to(Completion<Answer> completion) { completion_ = std::move(completion); }
  /// Idle only: leave. `why`, a literal: "stopped" or "recycled".
  void quit(std::string_view why = "stopped");
  void notify_shutdown();
  void cancel(ipc::CancelReasons reasons) { cancel_.add(reasons); }
  void terminate(KillReason reason);
  void kill(KillReason reason);
  [[nodiscard]] std::optional<ipc::Heartbeat> take_heartbeat();

  /// The owner ends first: nothing is told to it any more, and everything is closed.
  void abandon();

  /// Every 100 ms: finds what a lost doorbell left, and what took too long.
  void sweep(Clock::time_point now);

  [[nodiscard]] State state() const { return state_; }
  /// Of its process, this one included.
  [[nodiscard]] std::vector<std::shared_ptr<Child>> places() const;
  /// Idle places of its process quit(), the others are outlived(). `why`, a literal.
  void dismiss(std::string_view why);
  /// Its process takes nothing more, and is there for tasks that run in it.
  [[nodiscard]] bool finishes_for_others() const;
  /// It takes one task more at most: the one in hand.
  [[nodiscard]] bool leaves() const {
    return state_ == State::leaving || !process_->left_for.empty();
  }
  [[nodiscard]] std::optional<int> core() const { return parts_.settings.core; }
  /// Nothing is in flight that sweep() would have to look for.
  [[nodiscard]] bool at_rest() const { return state_ == State::idle && at_rest_; }
  [[nodiscard]] std::uint32_t incarnation() const { return parts_.incarnation; }
  [[nodiscard]] pid_t pid() const { return death_.pid; }
  [[nodiscard]] bool has_message() const { return channel_.has_message(); }
  [[nodiscard]] AttemptHandle* attempt() const { return attempt_; }
  [[nodiscard]] ChildCounts counts() const;
  [[nodiscard]] std::uint64_t progress() const { return parts_.arena.status().progress.load(); }
  /// All but what only its owner knows: the generation, and whose share its task is of.
  [[nodiscard]] ChildView view(Clock::time_point now) const;
  /// Why its process should make room; empty: it may stay.
  [[nodiscard]] std::string_view outlived(Clock::time_point now) const;
  /// Where its code lies, if it told so; otherwise that is where its zygote has it.
  [[nodiscard]] const std::vector<LoadedObject>& objects() const { return objects_; }
  [[nodiscard]] Clock::time_point ends() const { return process_->lifespan.ends(); }
  /// What quit() was told; empty: it was not called.
  [[nodiscard]] std::string_view left_for() const { return left_for_; }

  void count_ring() override { ++rings_; }
  void on_ring() override;

 private:
  friend class AttemptHandle;
  struct Parts {
    ipc::SupervisorArena arena;
    ipc::UniqueFd child_bell;       // nobody else has it
    ipc::UniqueFd supervisor_bell;  // the child has it too, so it is never written here
    ipc::UniqueFd bulk;
    std::shared_ptr<Ears> ears;
    std::weak_ptr<ZygoteLink> zygote;
    std::uint32_t incarnation;
    std::string fingerprint;
    ChildSettings settings;
  };
  struct Ends;  // what one place's process gets
  Child(boost::asio::any_io_executor core, Parts parts, std::shared_ptr<ChildProcess> process,
        ChildOwner& owner, Logger& log);

  // child_ears.cpp
  [[nodiscard]] int bell() const { return parts_.supervisor_bell.get(); }
  [[nodiscard]] bool listen() {
    return parts_.ears->listen(bell(), incarnation(), shared_from_this());
  }
  void leave_bell() { parts_.ears->leave(bell(), incarnation()); }
  void close_bell();
  void hear();
  void rest_from_bell();
  void judge_answer();
  void look_whether_it_hears(Clock::time_point now);
  void on_pong_message();

  void wait_death();
  void drain();
  void drain_later();
  void on_message();
  void on_ready_message();
  void become_idle();
  void on_log_message();
  void on_metric_message();
  /// Of the task in hand? Otherwise it is a stray, and the third one ends the child.
  bool is_answer(std::uint64_t task);
  void finish_task(Answer answer);
  void forget_heartbeats();

  // child_bulk.cpp: answers, and what is too large for a record.
  void on_answer_message();
  /// Reads the message that came last, beside the loop if it is large: nothing more is drained until then.
  template <class Message>
  void take_answer();
  template <class Message>
  void on_read(ipc::Parsed parsed, Message& message);
  void on_need_bulk();
  /// A segment was used just now.
  void trim_later();
  void wait_to_trim();

  void look_for_heartbeat();
  void keep_last_heartbeat();
  void corrupt(const std::string& fault);
  void corrupt_ring_a() { corrupt("ring A: the index of its reader is impossible"); }
  /// It was killed here, for what it did.
  [[nodiscard]] bool at_fault() const {
    return death_.killed_for == KillReason::corrupt || death_.killed_for == KillReason::lost;
  }
  /// What it did not take costs nobody anything.
  [[nodiscard]] bool task_was_taken() const {
    return (death_.killed_for && death_.killed_for != KillReason::lost) || channel_.all_taken();
  }
  void signal(int number);
  /// Nothing of its process takes a task any more, and this one is to blame.
  void begin_killing();
  [[nodiscard]] bool all_told_to_leave(Clock::time_point before) const;
  void on_death();
  [[nodiscard]] bool died_with_zygote() const;
  void reap_adopted();
  [[nodiscard]] bool killed_by_nobody_here() const;
  [[nodiscard]] bool killed_for_memory();
  void judge_process() const;
  void end_cgroup();
  /// What its handler left of a crash that is this task's.
  [[nodiscard]] std::optional<ipc::Crash> own_crash() const;
  void finish();
  void fail_task();

  ChildOwner& owner_;
  Logger& log_;
  Parts parts_;
  std::shared_ptr<ChildProcess> process_;
  const Clock::time_point born_ = Clock::now();
  ipc::Channel channel_;
  ipc::CancelWriter cancel_;
  ipc::HeartbeatReader heartbeats_;
  ipc::Sleeper heartbeat_bell_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::steady_timer rest_;  // from its bell
  bool resting_ = false;
  RingBalance balance_;
  std::uint64_t rings_ = 0, rings_at_assign_ = 0;
  int mute_answers_ = 0;  // in a row

  Hearing hearing_;
  std::uint64_t pings_ = 0, pongs_ = 0;
  Clock::time_point idle_since_;
  bool at_rest_ = true;  // it heard what was sent last, as far as it was asked

  State state_ = State::starting;
  KillLadder ladder_;
  std::uint64_t terms_ = 0, kills_ = 0;  // signals sent
  Death death_;
  bool dead_ = false;      // the pidfd said so, or the zygote
  bool reported_ = false;  // how is known, or will never be
  Clock::time_point died_at_;

  bool was_ready_ = false;
  std::vector<LoadedObject> objects_;
  pid_t thread_ = 0;  // by its own claim
  std::optional<Clock::time_point> told_to_leave_;
  std::string_view left_for_;
  bool heartbeat_wanted_ = false;
  std::uint64_t task_ = 0;
  Clock::time_point task_since_;
  std::uint64_t beats_before_ = 0;  // this task's
  std::string activity_type_;
  std::size_t memory_limit_ = 0;  // this task's
  AttemptHandle* attempt_ = nullptr;
  Completion<Answer> completion_;
  int strays_ = 0;
  bool draining_later_ = false;

  bool reading_ = false;  // an answer, beside the loop
  bool making_ = false;   // a segment, beside the loop
  boost::asio::steady_timer trim_timer_;
  bool trimming_later_ = false;
  Clock::time_point bulk_used_;
};

}  // namespace temporal::supervisor::children
