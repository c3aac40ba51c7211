// SPDX-License-Identifier: MIT
// One activity, three homes: what an attempt needs to know of the place it runs in, and no more.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "temporal/errors.hpp"

namespace temporal::supervisor {

class UserMetrics;

using ActivityTask = api::workflowservice::v1::PollActivityTaskQueueResponse;

/// How user code (or its process) ended, before anybody asks what that means to the server.
struct Returned {
  api::common::v1::Payloads result;
};
struct Threw {
  api::failure::v1::Failure failure;
  bool killed_here = false;  ///< nothing was thrown: terminate(), or the stop, ended its process
  bool died = false;         ///< nothing was thrown: its process ended, and it may be to blame
};
/// A cancellation left the function.
struct ThrewCancelled {
  api::common::v1::Payloads details;
};
struct CompletesLater {};
struct Ending {
  std::variant<Returned, Threw, ThrewCancelled, CompletesLater> how;
  /// The newest heartbeat, when nobody took it: what a crash leaves behind counts too.
  std::optional<api::common::v1::Payloads> last_heartbeat{};
};

/// A running activity as its attempt sees it. Valid from Link::started to the end of Executor::run.
class Execution {
 public:
  virtual ~Execution() = default;
  /// First reason wins. Asks, never forces.
  virtual void cancel(CancelReason reason) = 0;
  /// The worker is stopping: a notice, not a cancellation.
  virtual void notify_shutdown() = 0;
  /// Ends what cannot be asked: SIGTERM, then SIGKILL for a child; nothing for a coroutine.
  virtual void terminate() = 0;
  /// The same because an operator says so, who wants to be told: false where nothing can be ended by force.
  virtual bool kill() { return false; }
  /// Of the process that runs it and nothing else; 0: there is none.
  [[nodiscard]] virtual pid_t pid() const { return 0; }
  /// Of its place in that process, which may have several.
  [[nodiscard]] virtual std::uint32_t incarnation() const { return 0; }
  /// The newest heartbeat that was not taken yet. When there is none, the next one calls
  /// Link::heartbeat.
  virtual std::optional<api::common::v1::Payloads> take_heartbeat() = 0;
  /// Another number than before: it called progress() or heartbeat() meanwhile.
  [[nodiscard]] virtual std::uint64_t progress() const = 0;
};

/// What an executor tells while the activity runs. The functions are called on the core loop.
struct Link {
  std::function<void(Execution&)> started;
  std::function<void()> heartbeat;
  /// What the activity measures, from any thread. Null for a function without a context.
  std::shared_ptr<UserMetrics> metrics{};
  /// A workflow of this worker asked for it: no poll has taken a place for it, so in a child it has
  /// one of `--offload-children`.
  bool local = false;
  /// In a child, from SIGTERM to SIGKILL; none: `--term-grace`.
  std::optional<std::chrono::nanoseconds> term_grace{};
  /// Bytes that it may take in a child, which sees to it; 0: `--child-memory`.
  std::size_t memory = 0;
};

/// Thread rule: core loop only.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Runs the activity to its end, whatever that is; throws only for its own bugs.
  virtual boost::asio::awaitable<Ending> run(const ActivityTask& task, Link link) = 0;
  /// May an activity here take its time without delaying others?
  [[nodiscard]] virtual bool may_block() const noexcept { return true; }
};

}  // namespace temporal::supervisor
