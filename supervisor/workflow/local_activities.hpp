// SPDX-License-Identifier: MIT
// The local activities of a run: which of them its caller has to run, and in which order their ends reach the code. Each end has an
// activation of its own, live and when replayed: the order of their markers is the order in which they were delivered.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "supervisor/workflow/command_queue.hpp"
#include "supervisor/workflow/local_call.hpp"
#include "supervisor/workflow/machines/local_activity.hpp"

namespace temporal::engine {

class LocalActivities final : public LocalHost {
 public:
  using AdvanceTo = std::function<void(Time)>;
  explicit LocalActivities(MachineHost& host, AdvanceTo advance_to)
      : host_(host), advance_to_(std::move(advance_to)) {}

  void start(LocalActivity::Wanted wanted, Time now, bool replaying);
  /// The caller's report. What nobody waits for any more is ignored.
  void report(LocalResult result);

  /// What was started last is done already: nobody has to run it.
  void answer_here(LocalResult result);

  /// An event of the chunk after the one that the code is about to be woken for.
  void foresee(const HistoryEvent& event);
  /// What history has no end of is to be run.
  void replay_over();
  /// Gives the next end to its machine, which resolves it. False: none is left.
  bool deliver();
  /// False: the event is none of a local activity. Throws Nondeterminism.
  bool take_marker(const HistoryEvent& event, CommandQueue& commands);

  [[nodiscard]] std::vector<LocalCall> take_calls() { return std::exchange(calls_, {}); }
  [[nodiscard]] std::vector<LocalCancel> take_cancels() { return std::exchange(cancels_, {}); }
  /// Arguments and results that wait here.
  [[nodiscard]] std::size_t bytes() const;
  /// Some run, or are to be, and the code waits for them.
  [[nodiscard]] bool waits() const;

  void request(const LocalCall& call) override { calls_.push_back(call); }
  void cancel(const LocalCancel& cancel) override;
  void end(LocalResult result) override { ends_.push_back({std::move(result), true}); }
  void advance_to(Time time) override { advance_to_(time); }

 private:
  struct End {
    LocalResult result;
    bool cancelled = false;  ///< by the code, that waits no longer
  };

  MachineHost& host_;
  AdvanceTo advance_to_;
  std::map<std::uint32_t, std::shared_ptr<LocalActivity>> open_;  // until its marker is met
  std::list<LocalMarker> foreseen_;
  std::list<End> ends_;
  std::vector<LocalCall> calls_;
  std::vector<LocalCancel> cancels_;
};

}  // namespace temporal::engine
