// SPDX-License-Identifier: MIT
#include "supervisor/workflow/local_activities.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "supervisor/workflow/errors.hpp"

namespace temporal::engine {

using State = LocalActivity::State;

namespace {

std::size_t size_of(const LocalResult& result) {
  return std::visit([](const auto& outcome) { return outcome.ByteSizeLong(); }, result.outcome);
}

}  // namespace

void LocalActivities::start(LocalActivity::Wanted wanted, Time now, bool replaying) {
  const auto seq = wanted.call.seq;
  auto activity = std::make_shared<LocalActivity>(host_, *this, std::move(wanted), now);
  open_.emplace(seq, activity);
  activity->begin(replaying);
}

void LocalActivities::report(LocalResult result) { ends_.push_back({std::move(result), false}); }

void LocalActivities::answer_here(LocalResult result) {
  calls_.pop_back();
  report(std::move(result));
}

void LocalActivities::foresee(const HistoryEvent& event) {
  auto marker = local_marker_of(event);
  if (!marker) return;
  const auto found = open_.find(marker->result.seq);
  // Its end was delivered when it happened, in this process.
  if (found != open_.end() && found->second->state() == State::recorded) return;
  foreseen_.push_back(std::move(*marker));
}

void LocalActivities::replay_over() {
  for (const auto& [seq, activity] : open_)
    if (activity->state() == State::waiting) activity->replay_over();
}

// A marker whose call the code never made is met as an event: there it is a mismatch.
bool LocalActivities::deliver() {
  if (!foreseen_.empty()) {
    const auto found = open_.find(foreseen_.front().result.seq);
    if (found != open_.end() && found->second->state() == State::waiting) {
      auto marker = std::move(foreseen_.front());
      foreseen_.pop_front();
      found->second->foreseen(std::move(marker));
      return true;
    }
  }
  while (!ends_.empty()) {
    auto end = std::move(ends_.front());
    ends_.pop_front();
    const auto found = open_.find(end.result.seq);
    if (found == open_.end()) continue;
    if (found->second->state() != (end.cancelled ? State::leaving : State::running)) continue;
    found->second->ended(std::move(end.result));
    return true;
  }
  return false;
}

bool LocalActivities::take_marker(const HistoryEvent& event, CommandQueue& commands) {
  const auto marker = local_marker_of(event);
  if (!marker) return false;
  const auto found = open_.find(marker->result.seq);
  const bool known = found != open_.end();
  // Live, the marker was a command, and has a command's place. Replayed, it is where it is.
  if (!known || found->second->state() == State::recorded) {
    const auto pending = commands.match(event);
    pending->machine->on_event(event);
    if (known) open_.erase(found);
    return true;
  }
  if (found->second->state() != State::resolved)
    throw Nondeterminism(event.event_id(),
                         "history says " + describe(event) + ", the code called it only later");
  found->second->on_event(event);
  open_.erase(found);
  return true;
}

// What was not handed out yet need not be.
void LocalActivities::cancel(const LocalCancel& cancel) {
  const auto call =
      std::ranges::find_if(calls_, [&](const LocalCall& one) { return one.seq == cancel.seq; });
  if (call == calls_.end()) {
    cancels_.push_back(cancel);
    return;
  }
  if (cancel.wanted)
    call->cancelled = true;
  else
    calls_.erase(call);
}

std::size_t LocalActivities::bytes() const {
  std::size_t sum = 0;
  for (const auto& [seq, activity] : open_) sum += activity->bytes();
  for (const auto& marker : foreseen_) sum += size_of(marker.result);
  for (const auto& end : ends_) sum += size_of(end.result);
  return sum;
}

bool LocalActivities::waits() const {
  return std::ranges::any_of(open_,
                             [](const auto& one) { return one.second->state() == State::running; });
}

}  // namespace temporal::engine
