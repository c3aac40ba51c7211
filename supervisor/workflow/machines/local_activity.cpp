// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/local_activity.hpp"

#include <utility>

#include "shared/failure_proto.hpp"
#include "supervisor/workflow/local_retry.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "supervisor/workflow/machines/on_cancel.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;
using api::failure::v1::Failure;

namespace {

// Beside what code asks.
constexpr int kForeseen = kAfterCancels;
constexpr int kEnded = kAfterCancels - 1;
constexpr int kReplayOver = kAfterCancels - 2;

}  // namespace

//  state     on                  →  state     and
//  waiting   marker foreseen        resolved  the future is done           (it starts here when replayed)
//            cancel(), any kind     waiting   the marker decides; asked again when replay is over
//            replay is over         running   it has no marker: hand it out
//  running   it ended               recorded  RecordMarker; the future is done       (else it starts here)
//            cancel(), try          leaving   ask it to stop; it ends as cancelled
//            cancel(), wait         running   ask it to stop
//            cancel(), abandon      leaving   it ends as cancelled
//  leaving   it ended               recorded  RecordMarker; the future is cancelled
//  recorded  MarkerRecorded         done      compare
//  resolved  MarkerRecorded         done      compare
const std::array<Transition<LocalActivity>, 15>& LocalActivity::table() {
  using S = State;
  using L = LocalActivity;
  static constexpr std::array<Transition<LocalActivity>, 15> kTable{{
      {S::waiting, kForeseen, S::resolved, &L::resolve},
      {S::waiting, kTryCancel, S::waiting, nullptr},
      {S::waiting, kWaitCancel, S::waiting, nullptr},
      {S::waiting, kAbandon, S::waiting, nullptr},
      {S::waiting, kReplayOver, S::running, &L::request},

      {S::running, kEnded, S::recorded, &L::record},
      {S::running, kTryCancel, S::leaving, &L::ask_and_leave},
      {S::running, kWaitCancel, S::running, &L::ask},
      {S::running, kAbandon, S::leaving, &L::leave},

      {S::leaving, kTryCancel, S::leaving, nullptr},
      {S::leaving, kWaitCancel, S::leaving, nullptr},
      {S::leaving, kAbandon, S::leaving, nullptr},
      {S::leaving, kEnded, S::recorded, &L::record},

      {S::recorded, enums::EVENT_TYPE_MARKER_RECORDED, S::done, &L::check},
      {S::resolved, enums::EVENT_TYPE_MARKER_RECORDED, S::done, &L::check},
  }};
  return kTable;
}

Failure cancelled_failure() {
  Failure failure;
  failure.set_message("the local activity was cancelled");
  failure.set_source(kFailureSource);
  failure.mutable_canceled_failure_info();
  return failure;
}

LocalResult cancelled_result(const LocalCall& call) {
  LocalResult result;
  result.seq = call.seq;
  result.outcome = cancelled_failure();
  result.attempt = call.attempt;
  result.scheduled = call.scheduled;
  return result;
}

std::string_view LocalActivity::name_of(State state) {
  switch (state) {
    case State::waiting:
      return "waiting";
    case State::running:
      return "running";
    case State::leaving:
      return "leaving";
    case State::recorded:
      return "recorded";
    case State::resolved:
      return "resolved";
    case State::done:
      return "done";
  }
  return "unknown";
}

LocalActivity::LocalActivity(MachineHost& host, LocalHost& locals, Wanted wanted, Time now)
    : host_(host), locals_(locals), wanted_(std::move(wanted)), began_(now) {}

void LocalActivity::begin(bool replaying) {
  wanted_.future->set_on_cancel(
      asking(std::static_pointer_cast<LocalActivity>(shared_from_this()), &LocalActivity::cancel));
  began_in_replay_ = replaying;
  if (!replaying) replay_over();
}

void LocalActivity::foreseen(LocalMarker marker) {
  end_ = std::move(marker);
  step(*this, state_, table(), kForeseen, nullptr);
}

void LocalActivity::ended(LocalResult result) {
  end_.emplace();
  end_->activity_id = wanted_.call.activity_id;
  end_->activity_type = wanted_.call.activity_type;
  if (state_ != State::leaving) end_->complete_time = began_ + result.run_time;
  end_->result = std::move(result);
  step(*this, state_, table(), kEnded, nullptr);
}

void LocalActivity::replay_over() {
  // It was run when it was called, and its marker came with that task's answer.
  if (began_in_replay_ && wanted_.call.activity_type == kSideEffect)
    throw Nondeterminism(0, "the code asks for a side effect" + at_line(awaited_at()) +
                                ", history has no marker of it");
  step(*this, state_, table(), kReplayOver, nullptr);
  if (cancelled_) step(*this, state_, table(), asked_by(wanted_.on_cancel), nullptr);
}

void LocalActivity::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

void LocalActivity::cancel() {
  if (std::exchange(cancelled_, true)) return;
  step(*this, state_, table(), asked_by(wanted_.on_cancel), nullptr);
}

void LocalActivity::request(const HistoryEvent*) { locals_.request(wanted_.call); }

void LocalActivity::ask(const HistoryEvent*) {
  locals_.cancel({.seq = seq(), .ask = true, .wanted = true});
}

void LocalActivity::ask_and_leave(const HistoryEvent*) {
  locals_.cancel({.seq = seq(), .ask = true});
  end_cancelled();
}

void LocalActivity::leave(const HistoryEvent*) {
  locals_.cancel({.seq = seq(), .ask = false});
  end_cancelled();
}

void LocalActivity::end_cancelled() { locals_.end(cancelled_result(wanted_.call)); }

void LocalActivity::record(const HistoryEvent*) {
  auto command = local_marker_command(*end_);
  if (wanted_.summary.has_user_metadata())
    *command.mutable_user_metadata() = wanted_.summary.user_metadata();
  marker_ = host_.issue(shared_from_this(), std::move(command));
  resolve(nullptr);
}

void LocalActivity::resolve(const HistoryEvent*) {
  if (end_->complete_time) locals_.advance_to(*end_->complete_time);
  auto& result = end_->result;
  if (result.backoff && cancelled_) {
    // Cancelled after its last attempt had ended: there is to be no other.
    fail(cancelled_failure());
  } else if (result.backoff) {
    auto next = wanted_.call;
    next.attempt = result.attempt + 1;
    next.scheduled = result.scheduled;
    host_.resolve([later = wanted_.retry_later, next = std::move(next), wait = *result.backoff] {
      later(next, wait);
    });
  } else if (const auto* failure = std::get_if<Failure>(&result.outcome)) {
    fail(*failure);
  } else {
    host_.resolve(succeeding(wanted_.future, std::get<api::common::v1::Payloads>(result.outcome)));
  }
  wanted_.call.arguments.Clear();
}

// In the marker the failure is bare; code gets it as from any activity.
void LocalActivity::fail(const Failure& failure) {
  Failure wrapped;
  if (failure.has_activity_failure_info()) {
    wrapped = failure;
  } else {
    const auto& result = end_->result;
    wrapped = activity_failure(wanted_.call.activity_id, wanted_.call.activity_type,
                               "Local activity failed");
    auto* info = wrapped.mutable_activity_failure_info();
    const auto began = result.scheduled.value_or(began_);
    const auto why = decide_retry(wanted_.call, result.attempt, failure, began, began).state;
    // Another attempt was possible, but not in time.
    info->set_retry_state(why == enums::RETRY_STATE_IN_PROGRESS ? enums::RETRY_STATE_TIMEOUT : why);
    *wrapped.mutable_cause() = failure;
  }
  host_.resolve(
      [future = wanted_.future, error = exception_from(wrapped)] { future->fail(error); });
}

void LocalActivity::check(const HistoryEvent* event) {
  const auto recorded = local_marker_of(*event);
  const auto differs = [&](const std::string& how) {
    return Nondeterminism(event->event_id(),
                          "history says " + describe(*event) + ", the code called " + how);
  };
  if (!recorded || recorded->result.seq != seq()) throw mismatch(*event, *marker_.lock());
  if (host_.uses(CoreFlag::id_and_type_checks) &&
      (recorded->activity_id != wanted_.call.activity_id ||
       recorded->activity_type != wanted_.call.activity_type))
    throw differs("the local activity '" + wanted_.call.activity_type + "', activity id '" +
                  wanted_.call.activity_id + "'");
  if (recorded->result.outcome.index() != end_->result.outcome.index())
    throw differs("it too, but here it ended otherwise");
  end_.reset();
}

}  // namespace temporal::engine
