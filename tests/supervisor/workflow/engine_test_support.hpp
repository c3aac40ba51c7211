// SPDX-License-Identifier: MIT
// Runs test workflows on the engine and says in words what came out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "shared/payload_proto.hpp"
#include "supervisor/workflow/events.hpp"
#include "supervisor/workflow/replayer.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/activity.hpp"
#include "temporal/module.hpp"
#include "temporal/workflow.hpp"
#include "tests/support/history_builder.hpp"

namespace temporal::testing {

/// What test workflows leave behind. Cleared by each Run.
inline std::vector<std::string>& trace() {
  static std::vector<std::string> lines;
  return lines;
}
inline void note(std::string line) { trace().push_back(std::move(line)); }

using Lines = std::vector<std::string>;

/// A module filled by a function, as modules are.
struct TestModule : Module {
  explicit TestModule(ModuleFunction fill) { fill(*this); }
};

/// One live run: tasks go in as a worker would give them.
class Run {
 public:
  Run(const Module& module, const std::string& type, engine::LogSink sink = {})
      : run_(module, context(type), std::move(sink)) {
    trace().clear();
  }
  static engine::RunContext context(const std::string& type) {
    engine::RunContext context;
    context.workflow_namespace = "default";
    context.workflow_id = "the-workflow";
    context.run_id = HistoryBuilder::kRunId;
    context.workflow_type = type;
    context.task_queue = "queue";
    return context;
  }
  /// The task whose STARTED is the history's last event.
  engine::TaskOutcome task(const api::history::v1::History& history, std::int64_t previous = 0) {
    engine::WorkflowTaskInput input;
    input.history = history;
    input.previous_started_event_id = previous;
    input.started_event_id = history.events(history.events_size() - 1).event_id();
    return run_.activate(std::move(input));
  }
  /// The same with updates that came with it, sequenced right before its STARTED.
  engine::TaskOutcome task(const api::history::v1::History& history,
                           std::vector<engine::UpdateRequest> updates, std::int64_t previous = 0) {
    engine::WorkflowTaskInput input;
    input.history = history;
    input.previous_started_event_id = previous;
    input.started_event_id = history.events(history.events_size() - 1).event_id();
    for (auto& update : updates) update.sequenced_after = input.started_event_id - 1;
    input.updates = std::move(updates);
    return run_.activate(std::move(input));
  }
  /// The answer's JSON, or "failed: " and why.
  template <class... Args>
  std::string ask(const std::string& type, const Args&... args) {
    engine::Query query{"q", type, {}};
    (query.arguments.push_back(to_payload(args)), ...);
    const auto answer = run_.answer(query);
    return answer.answer ? answer.answer->data : "failed: " + answer.failure.message();
  }
  engine::WorkflowRun& operator*() { return run_; }
  engine::WorkflowRun* operator->() { return &run_; }

 private:
  engine::WorkflowRun run_;
};

template <class... Args>
engine::UpdateRequest update(const std::string& id, const std::string& name, const Args&... args) {
  engine::UpdateRequest update;
  update.instance_id = id;
  update.message_id = id + "/request";
  update.request.mutable_meta()->set_update_id(id);
  update.request.mutable_input()->set_name(name);
  (to_proto(to_payload(args), update.request.mutable_input()->mutable_args()->add_payloads()), ...);
  return update;
}

/// "u1 accepted", "u1 completed 3", "u1 failed no", "u1 rejected no"
inline Lines messages_of(const engine::TaskOutcome& outcome) {
  Lines lines;
  for (const auto& message : outcome.messages) {
    api::update::v1::Acceptance acceptance;
    api::update::v1::Rejection rejection;
    api::update::v1::Response response;
    auto line = message.protocol_instance_id();
    if (message.body().UnpackTo(&acceptance)) {
      line += " accepted";
    } else if (message.body().UnpackTo(&rejection)) {
      line += " rejected " + rejection.failure().message();
    } else if (message.body().UnpackTo(&response)) {
      const auto& outcome_of = response.outcome();
      line += outcome_of.has_success() ? " completed " + outcome_of.success().payloads(0).data()
                                       : " failed " + outcome_of.failure().message();
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

inline Lines commands_of(const engine::TaskOutcome& outcome) {
  Lines lines;
  for (const auto& command : outcome.commands) lines.push_back(engine::describe(command));
  return lines;
}

inline std::string failure_of(const engine::TaskOutcome& outcome) {
  return outcome.failure ? outcome.failure->text : std::string();
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Replays, and says why not.
inline std::string replayed(const Module& module, const HistoryBuilder& builder) {
  trace().clear();
  const auto result = engine::replay(module, builder.history());
  return result.ok ? "ok" : result.message;
}

}  // namespace temporal::testing
