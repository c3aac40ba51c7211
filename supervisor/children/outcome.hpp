// SPDX-License-Identifier: MIT
// How a task in a child ended: what the child said, or, when it can say nothing any more, how its process died and what
// Temporal is told about that.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shared/ipc/crash_page.hpp"
#include "supervisor/children/child_cgroup.hpp"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/failure/v1/message.pb.h"

namespace temporal::supervisor::children {

/// Failure types. Users list them in a retry policy, so they never change.
inline constexpr std::string_view kProcessKilled = "ActivityProcessKilled";
inline constexpr std::string_view kProcessCrashed = "ActivityProcessCrashed";
inline constexpr std::string_view kProcessExited = "ActivityProcessExited";
inline constexpr std::string_view kProcessOutOfMemory = "ActivityProcessOutOfMemory";
inline constexpr std::string_view kCpuLimit = "ActivityCpuLimit";
inline constexpr std::string_view kProcessCorrupt = "ActivityProcessCorrupt";
inline constexpr std::string_view kProcessLost = "ActivityProcessLost";
inline constexpr std::string_view kBystander = "ActivityBystander";
inline constexpr std::string_view kWorkerResources = "WorkerResources";
inline constexpr std::string_view kPayloadTooLarge = "PayloadTooLarge";
inline constexpr std::string_view kWorkerShutdown = "WorkerShutdown";

struct Completed {
  api::common::v1::Payloads result;  ///< empty: it returned nothing
};
/// The function failed, or could not be called.
struct Failed {
  api::failure::v1::Failure failure;
};
/// A cancellation left the function, or its process was killed because none did.
struct Canceled {
  api::common::v1::Payloads details;
};
/// Somebody else will report.
struct Async {};
/// The process died with the task in hand.
struct Died {
  api::failure::v1::Failure failure;
  bool killed_here =
      false;  ///< by AttemptHandle::terminate() or the end of the pool, not by an accident
  bool beside = false;  ///< for the task of another place of its process
};
using Outcome = std::variant<Completed, Failed, Canceled, Async, Died>;

/// Why the supervisor itself killed a child.
enum class KillReason {
  cancelled,        ///< it did not comply within its grace
  timed_out,        ///< its deadline passed and it did not stop
  worker_shutdown,  ///< the worker is stopping and it did not
  corrupt,          ///< it wrote what no child of ours writes
  by_operator,      ///< somebody asked for it, over the control socket
  lost,             ///< it did not take what was sent to it
};

/// Addresses with names.
struct NamedStack {
  std::vector<std::string> lines;  ///< innermost first; none: nobody could name them
  std::string where;               ///< the line of them that is the user's
};

/// The place of a process for whose task all of that ended.
struct Culprit {
  std::uint32_t incarnation = 0;
  std::string activity_type;  ///< empty: it had nothing in hand
  std::string_view why;       ///< see reason_of()
};

/// All that is known of a death.
struct Death {
  pid_t pid = 0;
  std::uint32_t incarnation = 0;
  std::optional<int> wait_status;  ///< as wait4 gives it; nothing when nobody could reap it in time
  std::optional<KillReason> killed_for;
  std::string fault;  ///< of the ring, with KillReason::corrupt
  bool zygote_died = false;
  bool told = false;                     ///< another place of its process tells of it
  std::optional<Culprit> beside{};       ///< it ended for the task of another place
  bool out_of_memory = false;            ///< the kernel killed it for want of memory
  std::optional<CgroupMemory> memory{};  ///< none: it had no cgroup of its own
  std::size_t memory_limit = 0;          ///< bytes that the task in hand might take; 0: unlimited
  bool dumps_core = false;               ///< not dead yet: it writes its memory to a file
  bool stuck = false;                    ///< not dead: in the kernel, where no signal reaches it
  std::chrono::milliseconds uptime{};
  std::chrono::milliseconds task_time{};
  std::int64_t max_rss_kb = 0;
  std::string activity_type;  ///< of the task in hand; empty: it was idle
  std::string stderr_tail;
  std::optional<ipc::Crash> crash;  ///< what its handler left
  NamedStack stack;                 ///< of the crash
};

/// In one word: killed, crashed, exited, cpu_limit, out_of_memory, corrupt, cancelled, timed_out, worker_shutdown, operator,
/// zygote_died, lost, bystander or unknown.
[[nodiscard]] std::string_view reason_of(const Death& death);
/// "killed by SIGKILL", "exited with code 1": for logs and failures.
[[nodiscard]] std::string describe_status(std::optional<int> wait_status);

/// Details of a Canceled that was not the function's own doing.
[[nodiscard]] api::common::v1::Payloads killed_after_grace();
/// Retryable; details are one JSON payload.
[[nodiscard]] api::failure::v1::Failure failure_of(const Death& death);
[[nodiscard]] api::failure::v1::Failure failure_of(std::string message, std::string_view type,
                                                   bool non_retryable = false);

}  // namespace temporal::supervisor::children
