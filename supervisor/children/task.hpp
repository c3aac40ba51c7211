// SPDX-License-Identifier: MIT
// What the pool and an attempt have in common while a task runs: the attempt's handle on it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "child/v1/child.pb.h"
#include "shared/ipc/heartbeat_slot.hpp"
#include "supervisor/children/outcome.hpp"
#include "supervisor/children/shares.hpp"
#include "temporal/errors.hpp"

namespace temporal::supervisor::children {

class Child;

/// An attempt's hand on its own task in a child, from before it has one until after it lost it. It must outlive run().
/// Thread rule: core loop only.
class AttemptHandle {
 public:
  AttemptHandle() = default;
  AttemptHandle(const AttemptHandle&) = delete;
  AttemptHandle& operator=(const AttemptHandle&) = delete;
  ~AttemptHandle();

  /// Adds a reason to the cancel word. Also while the task waits for a child: it then starts cancelled.
  void cancel(CancelReason reason);
  /// SIGTERM, after term_grace SIGKILL. Unless an answer came first run() ends with Died and killed_here, or, for
  /// KillReason::cancelled, with Canceled. A task that still waits for a child ends at once.
  void terminate(KillReason reason);
  /// An operator ends it: terminate(), for what it was asked to stop for, if it was.
  void kill();

  /// The newest heartbeat that was not taken yet. When there is none, the next one calls on_heartbeat (once). After run()
  /// ended: the last one the process ever published.
  [[nodiscard]] std::optional<ipc::Heartbeat> take_heartbeat();
  std::function<void()> on_heartbeat;
  /// Of the child, by its own claim: moves while it gets on. 0 without one.
  [[nodiscard]] std::uint64_t progress() const;

  /// Between the two signals of terminate(); none: the pool's.
  std::optional<std::chrono::nanoseconds> term_grace;
  /// Bytes that its activity may take, as its child sees to; 0: as the pool says. For who is told of its end.
  std::size_t memory = 0;

  /// A line that the activity logged. Unset: it goes to the pool's logger.
  std::function<void(const child::v1::Log&)> on_log;
  /// What the activity measured. Unset: it is dropped.
  std::function<void(const child::v1::Metric&)> on_metric;
  /// The task was given to a child, whose pid is known now.
  std::function<void()> on_started;

  /// 0 before it has a child.
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::uint32_t incarnation() const { return incarnation_; }

 private:
  friend class Child;
  friend class ChildPool;
  friend class WaitingLine;
  Share share_ = Share::polled;
  ipc::CancelReasons reasons_ = 0;
  std::optional<KillReason> terminated_;
  std::optional<ipc::Heartbeat> last_;  // read by the final drain, not taken yet
  Child* child_ = nullptr;              // while the task runs
  pid_t pid_ = 0;
  std::uint32_t incarnation_ = 0;
  std::function<void()> give_up_;  // while the task waits for a child
};

}  // namespace temporal::supervisor::children
