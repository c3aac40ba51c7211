// SPDX-License-Identifier: MIT
#include "supervisor/workflow/history.hpp"

#include <string>
#include <utility>

#include "supervisor/workflow/errors.hpp"

namespace temporal::engine {

namespace enums = api::enums::v1;

void History::add(api::history::v1::History&& page, bool last_page) {
  events_.erase(events_.begin(), events_.begin() + std::ptrdiff_t(std::exchange(taken_, 0)));
  for (auto& event : *page.mutable_events()) {
    if (event.event_id() <= last_id_) continue;
    if (event.event_id() != last_id_ + 1)
      throw EngineError(event.event_id(), "history has a gap: event " + std::to_string(last_id_) +
                                              " is followed by event " +
                                              std::to_string(event.event_id()));
    last_id_ = event.event_id();
    events_.push_back(std::move(event));
  }
  has_all_ = last_page;
  end_.reset();
}

History::Next History::look() {
  if (!end_) end_ = find_end();
  if (end_) return Next::chunk;
  return has_all_ ? Next::end : Next::page;
}

Chunk History::take() {
  Chunk chunk;
  const auto first = events_.begin() + static_cast<std::ptrdiff_t>(taken_);
  const auto last = first + static_cast<std::ptrdiff_t>(end_->index) + 1;
  chunk.events.assign(std::make_move_iterator(first), std::make_move_iterator(last));
  taken_ += chunk.events.size();
  if (left().empty()) {
    events_ = {};  // with its memory: the run may be kept for days
    taken_ = 0;
  }
  chunk.wakes = end_->wakes;
  chunk.last = has_all_ && left().empty();
  end_.reset();
  return chunk;
}

std::size_t History::upcoming() {
  (void)look();
  return end_ ? end_->index + 1 : left().size();
}

const HistoryEvent* History::next_completed() const {
  for (const auto& event : left())
    if (event.event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED) return &event;
  return nullptr;
}

// A STARTED ends a chunk unless its task failed, or was empty: STARTED, COMPLETED, SCHEDULED with
// no command since the chunk began. Live, such tasks are mostly heartbeats of local activities,
// which do not wake workflow code.
std::optional<History::End> History::find_end() const {
  struct Started {
    std::int64_t id;
    std::size_t index;
  };
  std::vector<Started> started;
  // An update woke the code at the task it is sequenced after, though that task's completion was empty.
  const auto before_update = [&started](std::int64_t sequenced_after) -> std::optional<End> {
    for (auto one = started.rbegin(); one != started.rend(); ++one)
      if (one->id < sequenced_after) return End{one->index, true};
    return std::nullopt;
  };
  bool saw_command = false;
  bool saw_any = false;
  const auto events = left();
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& event = events[i];
    const auto type = event.event_type();
    if (is_command_event(type)) saw_command = saw_any = true;
    if (type == enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED) saw_any = true;
    if (is_terminal_event(type)) return End{i, false};
    if (type != enums::EVENT_TYPE_WORKFLOW_TASK_STARTED) continue;

    // Two events of lookahead decide, wherever the page ends.
    const auto* next = at(i + 1);
    const auto* after = at(i + 2);
    if (!has_all_ && !after) return std::nullopt;
    started.push_back({event.event_id(), i});
    if (next && undoes_started(next->event_type())) {
      started.pop_back();
      continue;
    }
    if (next && after && next->event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED) {
      if (!saw_command && after->event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
        continue;
      if (after->event_type() == enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
        if (const auto end =
                before_update(after->workflow_execution_update_accepted_event_attributes()
                                  .accepted_request_sequencing_event_id()))
          return end;
      return End{i, true};
    }
    if (!next)
      if (const auto end = before_update(updates_after_)) return end;
    if (saw_any) return End{i, true};
  }
  if (!has_all_ || events.empty()) return std::nullopt;
  if (!started.empty()) return End{started.back().index, true};
  return End{events.size() - 1, false};
}

std::size_t History::bytes() const {
  std::size_t bytes = 0;
  for (const auto& event : left()) bytes += event.SpaceUsedLong();
  return bytes;
}

}  // namespace temporal::engine
