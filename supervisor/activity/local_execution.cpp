// SPDX-License-Identifier: MIT
#include "supervisor/activity/local_execution.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "shared/activity_info.hpp"
#include "shared/failure_proto.hpp"
#include "shared/ipc/arena.hpp"
#include "shared/payload_proto.hpp"
#include "supervisor/activity/heartbeat.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

namespace {

TaskFields fields_of(const child::v1::Start& start) {
  return {.activity_type = start.activity_type(),
          .activity_id = start.activity_id(),
          .workflow_type = start.workflow_type(),
          .workflow_id = start.workflow_id(),
          .run_id = start.run_id(),
          .attempt = static_cast<std::uint32_t>(start.attempt())};
}

// How Asio's operations say that their coroutine was cancelled.
bool is_abort(const boost::system::error_code& code) {
  return code == asio::error::operation_aborted ||
         code == asio::experimental::error::channel_cancelled;
}

}  // namespace

// A name tag that leads back to who wears it.
class LocalExecution::Identity final : public TaskIdentity {
 public:
  using TaskIdentity::TaskIdentity;
  std::weak_ptr<LocalExecution> attempt;  // before its first step
};

LocalExecution::LocalExecution(asio::any_io_executor core, const child::v1::Start& start,
                               Logger& log, Link& link)
    : core_(core),
      start_(start),
      info_(info_of(start)),
      last_heartbeat_(from_proto(start.heartbeat_details())),
      identity_(std::make_shared<Identity>(fields_of(start_))),
      log_(log, ids_of(start)),
      metrics_(std::move(link.metrics)),
      heartbeat_(std::move(link.heartbeat)),
      over_(std::move(core)) {}

std::shared_ptr<TaskIdentity> LocalExecution::identity() {
  if (identity_->attempt.expired()) identity_->attempt = weak_from_this();
  return identity_;
}

std::shared_ptr<LocalExecution> LocalExecution::of_this_step() {
  const auto* identity = dynamic_cast<const Identity*>(CurrentTask::of_this_thread());
  return identity ? identity->attempt.lock() : nullptr;
}

void LocalExecution::heartbeat(std::string_view encoding, std::string_view details) {
  if (details.size() > ipc::kHeartbeatDetailsLimit)
    throw std::length_error(
        "heartbeat details of " + std::to_string(details.size()) + " bytes are over the limit of " +
        std::to_string(ipc::kHeartbeatDetailsLimit) + "; store large state elsewhere");
  progress();
  if (beat_.put({.encoding = std::string(encoding), .details = std::string(details)}))
    asio::post(core_, [self = shared_from_this()] { self->beat(); });
}

std::optional<CancelReason> LocalExecution::cancel_reason() const noexcept {
  const int reason = reason_;
  return reason < 0 ? std::nullopt : std::optional(static_cast<CancelReason>(reason));
}

std::stop_token LocalExecution::stop_token() {
  stop_wanted_ = true;
  // Who asks after the cancellation calls its own callbacks.
  if (cancel_reason()) stop_.request_stop();
  return stop_.get_token();
}

void LocalExecution::end(const std::exception_ptr& error, const Payload& result) {
  asio::post(core_, [self = shared_from_this(), ending = ending_of(error, result)]() mutable {
    self->ending_ = std::move(ending);
    self->over_.notify();
  });
}

void LocalExecution::cancel(CancelReason reason) {
  for (auto* child : handed_over_) child->cancel(reason);
  int none = -1;
  if (!reason_.compare_exchange_strong(none, static_cast<int>(reason))) return;
  wake();
  deliver_cancel();
}

void LocalExecution::notify_shutdown() {
  shutdown_ = true;
  wake();
}

// Code in this process cannot be killed; what it handed over can.
void LocalExecution::terminate() {
  terminated_ = true;
  for (auto* child : handed_over_) child->terminate();
}

std::optional<api::common::v1::Payloads> LocalExecution::take_heartbeat() {
  if (auto own = beat_.take()) {
    from_child_.reset();
    return payloads_of(std::move(*own));
  }
  if (from_child_) return std::exchange(from_child_, std::nullopt);
  // Each is asked: that is what makes it tell of the next one.
  std::optional<api::common::v1::Payloads> found;
  for (auto* child : handed_over_)
    if (auto beat = child->take_heartbeat()) found = std::move(beat);
  return found;
}

// What it handed over gets on for it.
std::uint64_t LocalExecution::progress() const {
  auto sum = progress_.load(std::memory_order_relaxed);
  for (const auto* child : handed_over_) sum += child->progress();
  return sum;
}

asio::awaitable<Ending> LocalExecution::ending() {
  while (!ending_) co_await over_.wait();
  ending_->last_heartbeat = take_heartbeat();
  co_return std::move(*ending_);
}

void LocalExecution::hand_over(Execution& to) {
  handed_over_.insert(&to);
  if (auto reason = cancel_reason()) to.cancel(*reason);
  if (terminated_) to.terminate();
  beat();
}

void LocalExecution::take_back(Execution& from,
                               std::optional<api::common::v1::Payloads> last_heartbeat) {
  handed_over_.erase(&from);
  if (!last_heartbeat) return;
  (void)beat_.take();  // of before it was handed over
  from_child_ = std::move(last_heartbeat);
  beat();
}

void LocalExecution::beat() {
  if (!ending_) heartbeat_();
}

Ending LocalExecution::ending_of(const std::exception_ptr& error, const Payload& result) const {
  if (!error) {
    Returned returned;
    to_proto(result, returned.result.add_payloads());
    return {std::move(returned)};
  }
  try {
    std::rethrow_exception(error);
  } catch (const CompleteAsync&) {
    return {CompletesLater{}};
  } catch (const Cancelled& cancelled) {
    if (cancel_reason()) {
      ThrewCancelled threw;
      to_proto(cancelled.details(), &threw.details);
      return {std::move(threw)};
    }
  } catch (const asio::multiple_exceptions& several) {
    // Both sides of || or && threw, as they do when both are cancelled.
    if (several.first_exception()) return ending_of(several.first_exception(), result);
  } catch (const boost::system::system_error& aborted) {
    if (is_abort(aborted.code()) && cancel_reason()) return {ThrewCancelled{}};
  } catch (...) {
  }
  Threw threw;
  to_failure_proto(error, &threw.failure);
  return {std::move(threw)};
}

}  // namespace temporal::supervisor
