// SPDX-License-Identifier: MIT
// Joins pages of history and cuts them into the pieces that woke workflow code when it ran live.
// Waking it at other points would resolve races differently. It gives the same pieces for every
// size of page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "supervisor/workflow/events.hpp"
#include "temporal/api/sdk/v1/task_complete_metadata.pb.h"

namespace temporal::engine {

/// One wake-up: [COMPLETED of the task before] [its command events] [what happened since] SCHEDULED
/// [more] STARTED.
struct Chunk {
  std::vector<HistoryEvent> events;
  /// It ends with a STARTED that counts. Otherwise it ends the run, or it is the rest of a history
  /// cut off anywhere.
  bool wakes = false;
  bool last = false;  ///< nothing follows
};

class History {
 public:
  enum class Next { chunk, page, end };

  /// The next page. Events seen before are skipped; throws EngineError for a gap.
  void add(api::history::v1::History&& page, bool last_page);
  /// The task that the history ends with brought updates, sequenced after this event; 0: none.
  void expect_updates(std::int64_t sequenced_after) noexcept { updates_after_ = sequenced_after; }
  /// chunk: take() may be called. page: it cannot be told yet where the chunk ends. end: nothing is
  /// left.
  [[nodiscard]] Next look();
  [[nodiscard]] Chunk take();

  /// What the first WORKFLOW_TASK_COMPLETED among the events not yet taken says: it closes the task
  /// of the chunk before.
  [[nodiscard]] const HistoryEvent* next_completed() const;
  /// How many of the events not yet taken belong to the next chunk, as far as it is known. They are at().
  [[nodiscard]] std::size_t upcoming();
  [[nodiscard]] const HistoryEvent* at(std::size_t index) const {
    return index < left().size() ? &left()[index] : nullptr;
  }
  /// The server takes the newest events back: they were never written, and others will have their ids.
  void forget_newest(std::int64_t count) noexcept { last_id_ -= count; }
  /// Of the events that are not taken yet.
  [[nodiscard]] std::size_t bytes() const;
  /// Id of the newest event added; 0 before the first.
  [[nodiscard]] std::int64_t last_event_id() const noexcept { return last_id_; }

 private:
  struct End {
    std::size_t index;
    bool wakes;
  };
  [[nodiscard]] std::optional<End> find_end() const;
  /// The events not yet taken.
  [[nodiscard]] std::span<const HistoryEvent> left() const {
    return std::span(events_).subspan(taken_);
  }
  std::vector<HistoryEvent> events_;
  std::size_t taken_ = 0;  ///< of these
  std::int64_t last_id_ = 0;
  std::int64_t updates_after_ = 0;
  bool has_all_ = false;
  std::optional<End> end_;
};

}  // namespace temporal::engine
