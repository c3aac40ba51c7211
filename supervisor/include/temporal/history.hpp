// SPDX-License-Identifier: MIT
// What the server recorded of a run: read from files, fetched by a client, given to a Replayer.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "temporal/export.hpp"

namespace temporal {

namespace detail {
struct RecordedEvents;
}  // namespace detail

/// Immutable; copies share it, on any threads.
class TEMPORAL_API History {
 public:
  explicit History(std::shared_ptr<const detail::RecordedEvents> events);

  /// All histories in a file: JSON as `temporal workflow show --output json`, the web UI and other SDKs write it, an array of
  /// such, or one serialized temporal.api.history.v1.History. Never none: throws a std::runtime_error that names the file and
  /// what is wrong with it.
  static std::vector<History> load(const std::filesystem::path& path);
  /// The same from text; `name` stands for the file in errors.
  static std::vector<History> parse(std::string_view text, std::string_view name = "history");

  /// Empty where an old server did not write it down.
  [[nodiscard]] const std::string& workflow_id() const noexcept;
  [[nodiscard]] const std::string& workflow_type() const noexcept;
  /// How many events.
  [[nodiscard]] std::size_t size() const noexcept;
  /// As load() reads it.
  [[nodiscard]] std::string to_json() const;

  [[nodiscard]] const detail::RecordedEvents& events() const noexcept { return *events_; }

 private:
  std::shared_ptr<const detail::RecordedEvents> events_;
};

}  // namespace temporal
