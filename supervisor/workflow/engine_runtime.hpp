// SPDX-License-Identifier: MIT
// What workflow::… calls become: commands, futures, and the few facts a run may know. Timers and
// activities are numbered in the order of the calls, each kind from 1.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/workflow/event_loop.hpp"
#include "supervisor/workflow/machines.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

class EngineRuntime final : public workflow::detail::Runtime, private Logger {
 public:
  EngineRuntime(Machines& machines, EventLoop& loop, const LogSink& sink);

  temporal::detail::Trampoline& trampoline() noexcept override { return loop_.trampoline(); }
  workflow::detail::PayloadFuture execute_activity(std::string_view type, Payloads arguments,
                                                   const ActivityOptions& options) override;
  workflow::detail::PlainFuture sleep(Duration duration, const TimerOptions& options) override;
  workflow::detail::BoolFuture wait_condition(std::function<bool()> predicate,
                                              std::optional<Duration> timeout) override;
  void spawn(Task<void> task, workflow::detail::PlainFuture done) override;
  Time now() const noexcept override { return machines_.now(); }
  workflow::Random& random() override;
  const workflow::Info& info() const noexcept override { return machines_.info(); }
  bool replaying() const noexcept override { return machines_.replaying(); }
  bool cancel_requested() const noexcept override { return cancel_requested_; }
  std::string_view cancel_reason() const noexcept override { return cancel_reason_; }
  Logger& log() override { return *this; }

  void reseed(std::uint64_t seed) { random_ = workflow::Random(seed); }
  void note_cancel(std::string reason);
  /// From now on nothing that is asked for happens, and nothing throws: destructors may ask.
  void retire() noexcept { retired_ = true; }

 private:
  void write(LogLevel level, std::string_view message, const LogFields& fields) override;
  workflow::detail::PlainFuture start_timer(Duration duration, std::string_view summary);
  void refuse_in_predicate(const char* call) const;

  Machines& machines_;
  EventLoop& loop_;
  const LogSink& sink_;
  workflow::Random random_{0};
  std::string cancel_reason_;
  std::uint32_t last_activity_ = 0;
  std::uint32_t last_timer_ = 0;
  bool cancel_requested_ = false;
  bool in_predicate_ = false;
  bool retired_ = false;
};

/// Makes a run the one of this thread, for as long as it lives.
class Current {
 public:
  explicit Current(EngineRuntime& runtime) noexcept { workflow::detail::set_current(&runtime); }
  ~Current() { workflow::detail::set_current(nullptr); }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
};

}  // namespace temporal::engine
