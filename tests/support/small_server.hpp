// SPDX-License-Identifier: MIT
// Plays the server for one run, without a clock and without a network: it turns commands into events, lets what they
// started happen in an order of the dice's, sends signals, updates and a cancellation, and cuts all that into workflow
// tasks, some of which fail. What it writes is what a server could have written.
//
// A new kind of command is a line in on_command(), an entry among those that may_happen(), and what happens to it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/workflow/workflow_run.hpp"
#include "tests/support/dice.hpp"
#include "tests/support/history_builder.hpp"

namespace temporal::testing {

class SmallServer {
 public:
  using Command = api::command::v1::Command;
  using Update = engine::UpdateRequest;

  /// What comes from outside, at most that often. Signals and updates have one argument, a number from 0 on;
  /// that of an update may be -1.
  struct Visits {
    std::vector<std::string> signals;
    int signals_left = 0;
    std::vector<std::string> updates;
    int updates_left = 0;
    bool may_cancel = false;
  };

  SmallServer(Dice& dice, HistoryBuilder begun, Visits visits)
      : dice_(dice), h_(std::move(begun)), visits_(std::move(visits)) {}

  /// With the whole history. Nothing when the run is closed, or when nothing can happen any more.
  /// `forced`: the last answer asked for it.
  std::optional<engine::WorkflowTaskInput> next_task(bool forced = false);
  /// What became of the answer. The run is to be forgotten when it was not taken, and rolled back when the task was.
  enum class Answer { taken, refused, task_taken_back };
  Answer take(const engine::TaskOutcome& outcome);
  /// The answer never came. Not of a task that only brought updates.
  void time_out();

  [[nodiscard]] bool only_updates() const { return only_updates_; }
  [[nodiscard]] std::int64_t previous_started() const { return answered_started_; }
  [[nodiscard]] const HistoryBuilder& events() const { return h_; }

 private:
  using Happening = std::function<void()>;
  struct Activity {
    std::int64_t scheduled;
    bool cancel_requested = false;
  };
  struct Child {
    std::string id;
    bool started = false;
    bool cancel_requested = false;
  };

  void on_command(const Command& command, const engine::TaskOutcome& outcome);
  void on_start_child(const Command& command);
  void on_message(const api::protocol::v1::Message& message);
  std::vector<Happening> may_happen();
  void happen(int times);
  void end(const Activity& activity);
  void advance_child(std::int64_t initiated);
  void bring_updates();

  Dice& dice_;
  HistoryBuilder h_;
  Visits visits_;
  std::vector<Activity> activities_;
  std::map<std::string, std::int64_t> timers_;
  std::map<std::int64_t, Child> children_;  ///< by the event that initiated them
  std::vector<std::int64_t> signals_;       ///< to other workflows, on their way
  std::map<std::int64_t, std::string> cancels_;
  std::vector<Update> updates_;  ///< that came with this task
  std::map<std::string, std::int64_t> accepted_;
  int updates_sent_ = 0;
  std::int64_t answered_started_ = 0;  ///< of the last task whose answer was taken
  std::int64_t started_ = 0;
  bool retried_ = false;  ///< the task before came to nothing
  bool only_updates_ = false;
  std::optional<HistoryBuilder> before_task_;  ///< of one that only brought updates
  bool closed_ = false;
};

}  // namespace temporal::testing
