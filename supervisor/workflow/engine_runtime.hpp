// SPDX-License-Identifier: MIT
// What workflow::… calls become: commands, futures, and the few facts a run may know. Timers and
// activities are numbered in the order of the calls, each kind from 1.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "supervisor/workflow/event_loop.hpp"
#include "supervisor/workflow/handler_table.hpp"
#include "supervisor/workflow/machines.hpp"
#include "supervisor/workflow/workflow_run.hpp"
#include "temporal/workflow.hpp"

namespace temporal::engine {

class EngineRuntime final : public workflow::detail::Runtime, private Logger, private Metrics {
 public:
  /// What code reaches through it that is none of the run's. All must outlive it.
  struct Outside {
    const LogSink& log;
    Metrics* metrics;  ///< null: nobody measures
    const std::function<bool(std::string_view)>& activates_patch;
  };
  EngineRuntime(Machines& machines, EventLoop& loop, HandlerTable& handlers, Outside outside);

  temporal::detail::Trampoline& trampoline() noexcept override { return loop_.trampoline(); }
  workflow::detail::PayloadFuture execute_activity(workflow::Call call,
                                                   ActivityOptions options) override;
  workflow::detail::PayloadFuture execute_local_activity(workflow::Call call,
                                                         LocalActivityOptions options) override;
  workflow::detail::PayloadFuture side_effect(std::function<Payload()> work) override;
  workflow::detail::PlainFuture sleep(Duration duration, TimerOptions options) override;
  workflow::detail::BoolFuture wait_condition(std::function<bool()> predicate,
                                              std::optional<Duration> timeout) override;
  void spawn(Task<void> task, workflow::detail::PlainFuture done) override;
  void cancel(const std::shared_ptr<temporal::detail::Scope>& scope) override;
  void set_handler(std::string name, temporal::detail::SignalHandler handler) override;
  void set_handler(std::string name, temporal::detail::QueryHandler handler) override;
  void set_handler(std::string name, temporal::detail::UpdateHandler handler) override;
  bool all_handlers_finished() const override { return handlers_.running.empty(); }
  void set_current_details(std::string details) override;
  bool patched(std::string_view id, bool deprecated) override;
  void upsert_search_attributes(const SearchAttributes& changes) override;
  void upsert_memo(const Memo& changes) override;
  void prepare(workflow::Call& next, ContinueOptions& options) override;
  std::shared_ptr<workflow::detail::ChildStart> start_child(workflow::Call call,
                                                            ChildOptions options) override;
  workflow::detail::PlainFuture signal_workflow(const workflow::detail::Target& target,
                                                workflow::Call signal) override;
  workflow::detail::PlainFuture cancel_workflow(const workflow::detail::Target& target,
                                                std::string_view reason) override;
  Time now() const noexcept override { return machines_.now(); }
  workflow::Random& random() override;
  workflow::Random& random(std::string_view stream) override;
  const workflow::Info& info() const noexcept override { return machines_.info(); }
  bool replaying() const noexcept override { return machines_.replaying(); }
  bool cancel_requested() const noexcept override { return cancel_requested_; }
  std::string_view cancel_reason() const noexcept override { return cancel_reason_; }
  Logger& log() override { return *this; }
  Metrics& metrics() override { return *this; }

  /// Throws what a constructor of theirs throws.
  void make_interceptors(const workflow::detail::InterceptorMakers& makers);
  [[nodiscard]] const workflow::detail::Interceptors& interceptors() const noexcept {
    return interceptors_;
  }
  void reseed(std::uint64_t seed);
  /// Resolved in the next step of the loop.
  workflow::detail::PlainFuture turn();
  [[nodiscard]] const std::string& current_details() const noexcept { return current_details_; }
  /// Called when a signal's handler was set.
  void on_signal_handler(std::function<void()> callback) {
    on_signal_handler_ = std::move(callback);
  }
  void note_cancel(std::string reason);
  /// continue_as_new() was called, and has thrown.
  [[nodiscard]] bool continues() const noexcept { return continues_; }
  /// From now on nothing that is asked for happens, and nothing throws: destructors may ask.
  void retire() noexcept { retired_ = true; }

 private:
  void write(LogLevel level, std::string_view message, const LogFields& fields) override;
  void record(MetricKind kind, std::string_view name, double value,
              const MetricLabels& labels) override;
  [[nodiscard]] bool heard() const noexcept {
    return !retired_ && !silent_ && !machines_.replaying();
  }
  [[nodiscard]] bool activates(const std::string& patch);
  template <class... Shown>
  void show(void (workflow::Interceptor::*step)(Shown...),
            std::type_identity_t<Shown>... what) const {
    for (const auto& interceptor : interceptors_) ((*interceptor).*step)(what...);
  }
  workflow::detail::PlainFuture start_timer(Duration duration, const TimerOptions& options);
  void start_local(LocalActivity::Wanted wanted);
  Task<void> retry_local(LocalActivity::Wanted wanted, LocalCall next, Duration backoff);
  template <class Handler>
  void keep(const char* call, std::string name, Handler handler);
  void refuse_if_read_only(const char* call) const;
  friend class ReadOnly;

  Machines& machines_;
  EventLoop& loop_;
  HandlerTable& handlers_;
  const Outside outside_;
  workflow::detail::Interceptors interceptors_;
  std::function<void()> on_signal_handler_;
  workflow::Random random_{0};
  std::uint64_t seed_ = 0;
  std::map<std::string, workflow::Random, std::less<>> streams_;
  std::string cancel_reason_;
  std::string current_details_;
  const char* read_only_ = nullptr;  ///< what runs, when it must only look
  std::uint32_t last_activity_ = 0;  ///< local ones too, as in other SDKs
  std::uint32_t last_timer_ = 0;
  bool cancel_requested_ = false;
  bool continues_ = false;
  bool silent_ = false;
  bool retired_ = false;
};

/// While it lives, whatever code asks to happen throws ReadOnlyViolation.
class ReadOnly {
 public:
  /// `what` must only look: "a query", say. `silent`: it does not log either.
  ReadOnly(EngineRuntime& runtime, const char* what, bool silent = false) noexcept
      : runtime_(runtime),
        before_(std::exchange(runtime.read_only_, what)),
        silent_before_(std::exchange(runtime.silent_, silent)) {}
  ~ReadOnly() {
    runtime_.read_only_ = before_;
    runtime_.silent_ = silent_before_;
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  EngineRuntime& runtime_;
  const char* before_;
  bool silent_before_;
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
