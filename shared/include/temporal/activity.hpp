// SPDX-License-Identifier: MIT
// What an activity may ask of its surroundings: an optional first parameter `activity::Context&`.
// An activity that takes none is a plain function, and can be tested as one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "temporal/errors.hpp"
#include "temporal/export.hpp"
#include "temporal/log.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"

namespace temporal::activity {

/// What is known of this attempt. Constant while it runs.
struct Info {
  std::string activity_id;
  std::string activity_type;
  std::string workflow_id;
  std::string run_id;
  std::string workflow_type;
  std::string workflow_namespace;
  std::string task_queue;
  std::string task_token;  ///< opaque bytes: what completes this attempt from elsewhere
  int attempt = 1;         ///< the first is 1
  Time scheduled_time{};   ///< of the first attempt
  Time current_attempt_scheduled_time{};
  Time started_time{};
  Duration schedule_to_close_timeout{};
  Duration start_to_close_timeout{};
  Duration heartbeat_timeout{};
  std::map<std::string, Payload> headers;
};

namespace detail {

/// What a Context stands on: the arena in a child, a post() to the core loop on a loop thread,
/// plain members in a test.
class TEMPORAL_API ContextBackend {
 public:
  virtual ~ContextBackend();
  virtual const Info& info() const = 0;
  /// Never blocks, never fails; the newest wins. No details: `encoding` is empty.
  virtual void heartbeat(std::string_view encoding, std::string_view details) = 0;
  virtual const Payloads& last_heartbeat() const = 0;
  virtual std::optional<CancelReason> cancel_reason() const noexcept = 0;
  /// True when a cancellation came within `timeout`.
  virtual bool wait_cancelled(Duration timeout) = 0;
  virtual bool worker_shutdown() const noexcept = 0;
  virtual Logger& log() = 0;
};

}  // namespace detail

/// Thread rule: used by the thread (or the coroutine) that runs the activity, only while it runs.
class TEMPORAL_API Context {
 public:
  explicit Context(detail::ContextBackend& backend) : backend_(&backend) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] const Info& info() const { return backend_->info(); }

  /// "I am alive, and this far." The next attempt reads the details with last_heartbeat(). Cheap
  /// enough for a tight loop: the worker sends at most one per 0.8 x heartbeat timeout. Throws
  /// Cancelled once the activity was told to stop, and std::length_error for details over 64 KiB.
  template <class T>
  void heartbeat(const T& details) {
    Payload payload = to_payload(details);
    beat(payload.encoding(), payload.data);
  }
  void heartbeat() { beat({}, {}); }

  /// Details of the last heartbeat that any former attempt sent; nothing at the first attempt.
  /// Throws DecodeError.
  template <class T>
  [[nodiscard]] std::optional<T> last_heartbeat() const {
    const Payloads& payloads = backend_->last_heartbeat();
    if (payloads.empty()) return std::nullopt;
    return from_payload<T>(payloads.front());
  }

  [[nodiscard]] bool cancelled() const noexcept { return cancel_reason().has_value(); }
  [[nodiscard]] std::optional<CancelReason> cancel_reason() const noexcept {
    return backend_->cancel_reason();
  }
  /// Throws Cancelled, with its reason, once the activity was told to stop.
  void throw_if_cancelled() const;
  /// Waits for a cancellation, at most `timeout`; true when it came.
  bool wait_cancelled(Duration timeout) { return backend_->wait_cancelled(timeout); }
  /// The worker is stopping: finish early if that is easy. Not a cancellation; heartbeat() does not
  /// throw for it.
  [[nodiscard]] bool worker_shutdown() const noexcept { return backend_->worker_shutdown(); }
  [[nodiscard]] Logger& log() { return backend_->log(); }

 private:
  void beat(std::string_view encoding, std::string_view details);
  detail::ContextBackend* backend_;
};

}  // namespace temporal::activity
