// SPDX-License-Identifier: MIT
// How history says that a run took the new path of a patch: a marker, and an upsert right after it.
// All SDKs on Temporal's core write and read the same.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "supervisor/workflow/events.hpp"
#include "temporal/search_attributes.hpp"

namespace temporal::engine {

inline constexpr const char* kPatchMarker = "core_patch";
/// The search attribute that lists a run's patches. Only the engine writes it.
inline constexpr const char* kChangeVersion = "TemporalChangeVersion";
/// The upsert is left out when its value has this many bytes or more.
inline constexpr std::size_t kMaxChangeVersion = 2048;

struct PatchMarker {
  std::string id;
  bool deprecated = false;
};

/// Nothing for any other event. Reads the old format too: id and flag as two details.
[[nodiscard]] std::optional<PatchMarker> patch_marker_of(const HistoryEvent& event);
/// The same for a command.
[[nodiscard]] std::optional<PatchMarker> patch_marker_of(const Command& command);
[[nodiscard]] bool upserts_change_version(const HistoryEvent& event);

[[nodiscard]] Command patch_command(const PatchMarker& marker);
/// Nothing when the list is too long.
[[nodiscard]] std::optional<SearchAttributes> change_version(const std::set<std::string>& ids);

}  // namespace temporal::engine
