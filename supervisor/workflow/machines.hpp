// SPDX-License-Identifier: MIT
// The driver: takes events in their order, hands each to its machine, and gathers what workflow
// code has to be told. Knows when replay ends, what time it is for the workflow, and which command
// is due.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/workflow/command_queue.hpp"
#include "supervisor/workflow/history.hpp"
#include "supervisor/workflow/job.hpp"
#include "supervisor/workflow/local_activities.hpp"
#include "supervisor/workflow/machines/machine.hpp"
#include "supervisor/workflow/patches.hpp"
#include "supervisor/workflow/sdk_flags.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

class Machines final : public MachineHost {
 public:
  using RetryPolicy = api::common::v1::RetryPolicy;
  using Message = api::protocol::v1::Message;

  explicit Machines(RunContext context);

  /// A workflow task: everything up to this STARTED was answered before, by some worker.
  void begin_task(std::int64_t previous_started_event_id);
  /// What came with the task beside its history.
  void receive(std::vector<UpdateRequest> updates);
  /// Throws Nondeterminism, or EngineError for what this engine cannot replay. What follows in `history` tells what the task
  /// of this chunk came to, if it is known.
  void apply(const Chunk& chunk, History& history);
  /// What the chunk has for workflow code, in the order to apply. Empty: it need not be woken.
  [[nodiscard]] std::vector<Job> take_jobs();
  /// An activation is over: its commands are now due.
  void end_activation();

  /// To be sent; empty while replaying.
  [[nodiscard]] std::vector<Command> commands() const;
  /// To be sent with them.
  [[nodiscard]] const std::vector<Message>& messages() const noexcept { return messages_; }
  [[nodiscard]] SdkFlags::Metadata sdk_metadata() const;

  /// Issues what the answer needs.
  Patches::Answer patched(const std::string& id, bool deprecated,
                          const Patches::Activates& activates);
  /// What info() says from now on.
  void change(const SearchAttributes& changes) { info_.search_attributes.merge(changes); }
  void change(const Memo& changes) { info_.memo.merge(changes); }

  [[nodiscard]] LocalActivities& locals() noexcept { return locals_; }
  /// What is kept of history and commands, and one machine for each operation that is not over.
  [[nodiscard]] std::size_t bytes() const;

  [[nodiscard]] bool replay_only() const noexcept { return replay_only_; }
  [[nodiscard]] bool replaying() const noexcept { return replaying_; }
  /// History holds the last event, or code issued the command for it.
  [[nodiscard]] bool finished() const noexcept { return closed_ || commands_.ends_run(); }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] Time now() const noexcept { return now_; }
  [[nodiscard]] const workflow::Info& info() const noexcept { return info_; }
  /// That the run was started with; null: none.
  [[nodiscard]] const RetryPolicy* retry_policy() const noexcept { return retry_policy_.get(); }
  [[nodiscard]] std::int64_t last_started_event_id() const noexcept { return last_started_; }
  /// The server took the latest task back: what it was told of it was nothing that has to be written.
  void roll_back_to(std::int64_t started_event_id) noexcept { last_started_ = started_event_id; }

  std::weak_ptr<PendingCommand> issue(std::shared_ptr<Machine> machine, Command command) override;
  std::weak_ptr<PendingCommand> issue(std::shared_ptr<Machine> machine, Command command,
                                      EventType becomes) override;
  void send(Message message) override;
  void resolve(std::function<void()> resolution) override;
  [[nodiscard]] bool uses(CoreFlag flag) const override { return flags_.use(flag, replaying_); }
  [[nodiscard]] bool foreign() const override { return flags_.foreign(); }

 private:
  void read_flags(const HistoryEvent& event);
  void note_admitted(const HistoryEvent& event);
  void dispatch(const HistoryEvent& event);
  void on_command_event(const HistoryEvent& event);
  void on_initiated(const HistoryEvent& event);
  void on_started(const HistoryEvent& event);
  void on_wake(const HistoryEvent& task_started);
  void look_ahead(History& history);
  void note_version(const HistoryEvent* completed);
  void deliver_updates(std::int64_t applied_event_id);
  void refuse_leftovers(const Chunk& chunk);

  const bool replay_only_;
  const std::string own_deployment_, own_build_;  ///< this worker's; empty: it is not versioned
  SdkFlags flags_;
  CommandQueue commands_;
  Patches patches_;
  LocalActivities locals_{*this, [this](Time time) { now_ = std::max(now_, time); }};
  // Looked up, never walked: its order is nobody's business.
  std::unordered_map<std::int64_t, std::shared_ptr<Machine>> by_event_id_;
  std::vector<Job> jobs_;
  std::vector<Message> messages_;
  std::list<UpdateRequest> updates_;  ///< that wait for the event they are sequenced after
  std::map<std::string, UpdateRequest> admitted_;  ///< not handed on yet
  workflow::Info info_;
  std::size_t info_bytes_ = 0;  ///< of memo, headers and search attributes at the start
  std::unique_ptr<const RetryPolicy> retry_policy_;
  Time now_{};
  std::int64_t previous_started_ = 0;
  std::int64_t last_started_ = 0;
  bool begun_ = false;
  bool replaying_ = false;
  bool cancel_seen_ = false;
  bool closed_ = false;
};

}  // namespace temporal::engine
