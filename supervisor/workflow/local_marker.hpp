// SPDX-License-Identifier: MIT
// How history keeps the end of a local activity: one marker, the same byte for byte in all SDKs on Temporal's core.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "supervisor/workflow/events.hpp"
#include "supervisor/workflow/local_call.hpp"

namespace temporal::engine {

inline constexpr const char* kLocalMarker = "core_local_activity";

struct LocalMarker {
  LocalResult result;
  std::string activity_id;
  std::string activity_type;
  std::optional<Time> complete_time;  ///< the workflow's time from then on; none: it stays
};

/// Nothing for any other event. Throws EngineError for a marker of that name that cannot be read.
[[nodiscard]] std::optional<LocalMarker> local_marker_of(const HistoryEvent& event);
[[nodiscard]] Command local_marker_command(const LocalMarker& marker);

/// For messages: what is not to be read is left out.
[[nodiscard]] std::string describe_local_marker(
    const api::history::v1::MarkerRecordedEventAttributes& marker);
[[nodiscard]] std::string describe_local_marker(
    const api::command::v1::RecordMarkerCommandAttributes& marker);

}  // namespace temporal::engine
