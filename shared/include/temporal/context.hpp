// SPDX-License-Identifier: MIT
// What an activity may ask of its surroundings: an optional first parameter `activity::Context&`,
// the same in a child process, on a thread and on a loop. An activity that takes none is a plain
// function, and can be tested as one.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "temporal/errors.hpp"
#include "temporal/export.hpp"
#include "temporal/log.hpp"
#include "temporal/metrics.hpp"
#include "temporal/options.hpp"
#include "temporal/payload.hpp"

namespace temporal::activity {

/// How the server retries the activity; what it does not say is zero.
struct Retry {
  Duration initial_interval{};
  double backoff_coefficient = 0;
  Duration maximum_interval{};
  int maximum_attempts = 0;  ///< 0 is unlimited
  std::vector<std::string> non_retryable;
};

struct Priority {
  int key = 0;  ///< 1 is the most urgent; 0: the server's default, 3
  std::string fairness_key;
  float fairness_weight = 0;
};

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
  /// When the server gives this attempt up, by its start-to-close and schedule-to-close timeouts;
  /// Time::max() when neither is set. A missing heartbeat ends it earlier.
  Time deadline = Time::max();
  Retry retry;
  Priority priority;
  std::map<std::string, Payload> headers;
  bool is_local = false;
};

namespace detail {

/// What a Context stands on: the arena in a child, a post() to the core loop on a thread or a loop
/// of the supervisor, plain members in a test.
class TEMPORAL_API ContextBackend {
 public:
  virtual ~ContextBackend();
  virtual const Info& info() const = 0;
  /// Never blocks, never fails; the newest wins. No details: `encoding` is empty.
  virtual void heartbeat(std::string_view encoding, std::string_view details) = 0;
  virtual void progress() noexcept = 0;
  virtual const Payloads& last_heartbeat() const = 0;
  virtual std::optional<CancelReason> cancel_reason() const noexcept = 0;
  virtual std::stop_token stop_token() = 0;
  /// True when a cancellation came within `timeout`.
  virtual bool wait_cancelled(Duration timeout) = 0;
  virtual bool worker_shutdown() const noexcept = 0;
  /// True when the notice came within `timeout`, or a cancellation, which ends the wait too.
  virtual bool wait_worker_shutdown(Duration timeout) = 0;
  /// The same for a coroutine, which must not block.
  virtual boost::asio::awaitable<bool> async_wait_worker_shutdown(Duration timeout) = 0;
  virtual Logger& log() = 0;
  virtual Metrics& metrics() = 0;
};

[[noreturn]] TEMPORAL_API void throw_not_encodable(const std::type_info& type,
                                                   std::string_view reason);
[[noreturn]] TEMPORAL_API void throw_last_heartbeat_unreadable(const DecodeError& error);

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
  /// Cancelled once the activity was told to stop, ApplicationError for details that cannot be
  /// encoded, and std::length_error for details over 64 KiB.
  template <class T>
  void heartbeat(const T& details) {
    Payload payload;
    try {
      payload = to_payload(details);
    } catch (const nlohmann::json::exception& error) {
      detail::throw_not_encodable(typeid(T), error.what());
    }
    beat(payload.encoding(), payload.data);
  }
  void heartbeat() { beat({}, {}); }
  /// "I am getting on", for an activity that was registered with `auto_heartbeat`: one store, and
  /// nothing is thrown. Any thread of the activity.
  void progress() noexcept { backend_->progress(); }

  /// Details of the last heartbeat that any former attempt sent; nothing at the first attempt.
  /// Throws a non-retryable ApplicationError for details of another type: no attempt could read
  /// them.
  template <class T>
  [[nodiscard]] std::optional<T> last_heartbeat() const {
    const Payloads& payloads = backend_->last_heartbeat();
    if (payloads.empty()) return std::nullopt;
    try {
      return from_payload<T>(payloads.front());
    } catch (const DecodeError& error) {
      detail::throw_last_heartbeat_unreadable(error);
    }
  }

  /// A coroutine is cancelled where it waits, too: that co_await throws operation_aborted, and so
  /// does each later one, at once. To clean up it says first
  ///     co_await this_coro::reset_cancellation_state(asio::disable_cancellation());
  [[nodiscard]] bool cancelled() const noexcept { return cancel_reason().has_value(); }
  [[nodiscard]] std::optional<CancelReason> cancel_reason() const noexcept {
    return backend_->cancel_reason();
  }
  /// Throws Cancelled, with its reason, once the activity was told to stop.
  void throw_if_cancelled() const;
  /// Stops with the cancellation, for code that takes a std::stop_token. Its callbacks run on a
  /// thread of the worker, for a coroutine on its own loop. The first call costs a child a thread.
  [[nodiscard]] std::stop_token stop_token() { return backend_->stop_token(); }
  /// Waits for a cancellation, at most `timeout`; true when it came. Blocks: a coroutine is
  /// cancelled where it waits and needs no such call; there it throws std::logic_error.
  bool wait_cancelled(Duration timeout) { return backend_->wait_cancelled(timeout); }

  /// The worker is stopping: finish early if that is easy. Not a cancellation; heartbeat() does not
  /// throw for it.
  [[nodiscard]] bool worker_shutdown() const noexcept { return backend_->worker_shutdown(); }
  /// Waits for that notice or a cancellation, at most `timeout`; true when one came. Blocks: a
  /// coroutine awaits async_wait_worker_shutdown() instead.
  bool wait_worker_shutdown(Duration timeout) { return backend_->wait_worker_shutdown(timeout); }
  boost::asio::awaitable<bool> async_wait_worker_shutdown(Duration timeout) {
    return backend_->async_wait_worker_shutdown(timeout);
  }

  /// Writes with the ids of this attempt.
  [[nodiscard]] Logger& log() { return backend_->log(); }
  [[nodiscard]] Metrics& metrics() { return backend_->metrics(); }

  /// Ends this activity without an outcome: it is completed later, by its task token or its ids.
  [[noreturn]] void complete_async() { temporal::complete_async(); }

 private:
  friend detail::ContextBackend& backend_of(Context& context) noexcept { return *context.backend_; }
  void beat(std::string_view encoding, std::string_view details);
  detail::ContextBackend* backend_;
};

}  // namespace temporal::activity
