// SPDX-License-Identifier: MIT
// Reads recorded histories: proto3 JSON as `temporal workflow show --output json`, the web UI and
// other SDKs write it, in either spelling of enums, with payloads in full or in shorthand; an array
// of histories; or one serialized temporal.api.history.v1.History (any other file).
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "temporal/api/history/v1/message.pb.h"

namespace temporal::engine {

/// Names the file and what is wrong with it.
class HistoryFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// All histories in a file, never none. Throws HistoryFileError.
[[nodiscard]] std::vector<api::history::v1::History> load_histories(
    const std::filesystem::path& path);
/// The one history in a file. Throws HistoryFileError, also when there are several.
[[nodiscard]] api::history::v1::History load_history(const std::filesystem::path& path);
/// The same from text; `name` stands for the file in errors.
[[nodiscard]] std::vector<api::history::v1::History> parse_histories(std::string_view text,
                                                                     std::string_view name);

}  // namespace temporal::engine
