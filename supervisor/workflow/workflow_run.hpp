// SPDX-License-Identifier: MIT
// The engine's face: one run of one workflow. A workflow task's history goes in, its commands come
// out. It knows no clock, no thread, no socket and no lock: its caller brings those.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/workflow/local_call.hpp"
#include "supervisor/workflow/update_request.hpp"
#include "temporal/api/command/v1/message.pb.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/api/history/v1/message.pb.h"
#include "temporal/api/protocol/v1/message.pb.h"
#include "temporal/api/sdk/v1/task_complete_metadata.pb.h"
#include "temporal/log.hpp"
#include "temporal/metrics.hpp"
#include "temporal/module.hpp"
#include "temporal/payload.hpp"
#include "temporal/workflow_info.hpp"

namespace temporal::engine {

/// What the poll reply says about a run; the rest of its info() comes from its first event.
struct RunContext {
  std::string workflow_namespace;
  std::string workflow_id;
  std::string run_id;
  std::string workflow_type;
  std::string task_queue;
  /// Of this worker, for info(); empty: it is not versioned.
  std::string deployment_name{};
  std::string build_id{};
  /// GetSystemInfo's capability. Without it every SDK flag counts as unset, always.
  bool server_keeps_sdk_metadata = true;
  /// Set by the replay tool: everything is replay, and histories of other SDKs are taken as they
  /// are (their language flags are ignored, their timers paired by order). A live worker refuses
  /// them.
  bool replay_only = false;
};

/// Where workflow::log() and the engine's own warnings go. Called on the thread that activates,
/// never while history is replayed. `run`: whose line it is; the fields do not say that.
using LogSink = std::function<void(const workflow::Info& run, LogLevel, std::string_view message,
                                   const LogFields& fields)>;

/// One question to a run; of those that come with a task, by the id they came with.
struct Query {
  std::string id;
  std::string type;
  Payloads arguments;
  std::map<std::string, Payload> headers{};
};

struct QueryAnswer {
  std::string id;
  /// Unset: failed.
  std::optional<Payload> answer;
  api::failure::v1::Failure failure;
};

struct WorkflowTaskInput {
  /// All pages joined: complete from event 1, or for a cached run what came since its last task.
  /// Events that were processed already are skipped; a gap fails the task.
  api::history::v1::History history;
  /// 0 for a task that only asks: its history may end anywhere.
  std::int64_t previous_started_event_id = 0;
  std::int64_t started_event_id = 0;
  /// Came with the task, to be delivered when history has been applied up to what they are sequenced after.
  std::vector<UpdateRequest> updates;
};

/// The task is to be failed, and the run to be forgotten: its state is no longer that of history.
struct TaskFailure {
  api::enums::v1::WorkflowTaskFailedCause cause{};
  api::failure::v1::Failure failure;  ///< for RespondWorkflowTaskFailed
  std::string text;                   ///< for the log: one sentence or more
  std::int64_t event_id = 0;          ///< where in history, 0 when nowhere
};

struct TaskOutcome {
  /// In the order to send them. Empty while history is still replayed, and with a failure.
  std::vector<api::command::v1::Command> commands;
  /// What commands of type ProtocolMessage name, and what needs no command.
  std::vector<api::protocol::v1::Message> messages;
  /// What RespondWorkflowTaskCompleted.sdk_metadata is to say: only news. Unset fields: nothing to
  /// say.
  api::sdk::v1::WorkflowTaskCompletedMetadata sdk_metadata;
  /// Local activities that are to be run now, and those that are not to go on.
  std::vector<LocalCall> local_calls;
  std::vector<LocalCancel> local_cancels;
  /// The code waits for some: the task stays open, until resolve() says otherwise.
  bool waits = false;
  /// The run is over: its terminal command is among these, or history holds its last event.
  bool finished = false;
  std::optional<TaskFailure> failure;
};

/// Thread rule: one thread at a time, any thread. `module` must outlive it.
class WorkflowRun {
 public:
  /// `metrics`: what workflow::metrics() writes to; null: nothing.
  WorkflowRun(const Module& module, RunContext context, LogSink log = {},
              std::shared_ptr<Metrics> metrics = {});
  /// Eviction: destroys the coroutines, innermost first, and resumes none. Destructors of user code
  /// run; what they ask of the workflow API is ignored.
  ~WorkflowRun();
  WorkflowRun(const WorkflowRun&) = delete;
  WorkflowRun& operator=(const WorkflowRun&) = delete;

  /// Applies one workflow task. Whatever user code throws becomes an outcome. After a failure only
  /// destruction is left.
  [[nodiscard]] TaskOutcome activate(WorkflowTaskInput task) noexcept;
  /// A local activity ended, while its task is open or after that was answered and another came. The
  /// outcome is that of the whole task so far, but for the calls and cancels that were given out.
  [[nodiscard]] TaskOutcome resolve(LocalResult result) noexcept;
  /// The run as it is now is asked, and is not changed by it. Not after a failure.
  [[nodiscard]] QueryAnswer answer(const Query& query) noexcept;
  /// The server took the latest task back: its SCHEDULED and STARTED were never written, this STARTED is the latest that was.
  void roll_back_to(std::int64_t started_event_id) noexcept;

  [[nodiscard]] bool finished() const noexcept;
  /// The STARTED event of the last task applied: a task continues this run when its
  /// previous_started_event_id equals it.
  [[nodiscard]] std::int64_t last_started_event_id() const noexcept;
  /// Before its first event, no more than what RunContext said.
  [[nodiscard]] const workflow::Info& info() const noexcept;
  /// Memory, as it was when the last task had been applied: coroutine frames, history and commands
  /// that wait, payloads in signals and results that somebody still holds. What the workflow keeps
  /// in containers of its own is not in it.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace temporal::engine
