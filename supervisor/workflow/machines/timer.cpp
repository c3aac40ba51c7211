// SPDX-License-Identifier: MIT
#include "supervisor/workflow/machines/timer.hpp"

#include <google/protobuf/duration.pb.h>

#include <utility>

#include "shared/payload_proto.hpp"
#include "supervisor/workflow/machines/command_parts.hpp"
#include "temporal/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

//  state      on              →  state      and
//  created    cancel()           done       drop StartTimer: never sent; the future is cancelled
//  created    TimerStarted       started    compare
//  started    TimerFired         done       the future is done
//  started    cancel()           cancelled  CancelTimer; the future is cancelled at once
//  cancelled  TimerCanceled      done       compare
const std::array<Transition<Timer>, 5>& Timer::table() {
  static constexpr std::array<Transition<Timer>, 5> kTable{{
      {State::created, kCancel, State::done, &Timer::drop},
      {State::created, enums::EVENT_TYPE_TIMER_STARTED, State::started, &Timer::check_started},
      {State::started, enums::EVENT_TYPE_TIMER_FIRED, State::done, &Timer::fire},
      {State::started, kCancel, State::cancelled, &Timer::ask_cancel},
      {State::cancelled, enums::EVENT_TYPE_TIMER_CANCELED, State::done, &Timer::check_cancelled},
  }};
  return kTable;
}

std::string_view Timer::name_of(State state) {
  switch (state) {
    case State::created:
      return "created";
    case State::started:
      return "started";
    case State::cancelled:
      return "cancelled";
    case State::done:
      return "done";
  }
  return "unknown";
}

void Timer::start(MachineHost& host, std::uint32_t seq, Duration duration, std::string_view summary,
                  workflow::detail::PlainFuture future) {
  std::shared_ptr<Timer> timer(new Timer(host, std::to_string(seq), std::move(future)));
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_TIMER);
  auto* attributes = command.mutable_start_timer_command_attributes();
  attributes->set_timer_id(timer->id_);
  to_proto(duration, attributes->mutable_start_to_fire_timeout());
  set_summary(summary, command);
  timer->start_ = host.issue(timer, std::move(command));
  timer->future_->set_on_cancel(asking(timer, &Timer::cancel));
}

void Timer::on_event(const HistoryEvent& event) {
  step(*this, state_, table(), event.event_type(), &event);
}

void Timer::cancel() { step(*this, state_, table(), kCancel, nullptr); }

void Timer::drop(const HistoryEvent*) {
  if (auto start = start_.lock()) start->dropped = true;
  fail_cancelled();
}

void Timer::check_started(const HistoryEvent* event) {
  started_event_id_ = event->event_id();
  const auto& recorded = event->timer_started_event_attributes().timer_id();
  if (!host_.foreign() && recorded != id_) throw mismatch(*event, *start_.lock());
}

void Timer::fire(const HistoryEvent*) {
  host_.resolve([future = future_] { future->succeed(); });
}

void Timer::ask_cancel(const HistoryEvent*) {
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_CANCEL_TIMER);
  command.mutable_cancel_timer_command_attributes()->set_timer_id(id_);
  host_.issue(shared_from_this(), std::move(command));
  fail_cancelled();
}

void Timer::check_cancelled(const HistoryEvent* event) {
  const auto recorded = event->timer_canceled_event_attributes().started_event_id();
  if (recorded == started_event_id_) return;
  throw Nondeterminism(event->event_id(), "history cancels the timer that event " +
                                              std::to_string(recorded) +
                                              " started, the code cancelled the one that event " +
                                              std::to_string(started_event_id_) + " started");
}

void Timer::fail_cancelled() {
  future_->fail(std::make_exception_ptr(Cancelled("the timer was cancelled")));
}

}  // namespace temporal::engine
