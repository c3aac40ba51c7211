// SPDX-License-Identifier: MIT
// A worker's view as text for a person. Names in it are users': what a terminal would obey is shown as '?'.
#pragma once

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace temporal::supervisor::control {

/// A line for each child, and for each task that runs elsewhere.
[[nodiscard]] std::string ps_text(const nlohmann::json& view);
/// The same below a few lines about the worker and each of its queues.
[[nodiscard]] std::string top_text(const nlohmann::json& view);
/// Of the answer to `stack`.
[[nodiscard]] std::string stack_text(const nlohmann::json& told);

/// "350ms", "12s", "3m12s", "2h05m", "3d04h".
[[nodiscard]] std::string short_duration(std::chrono::milliseconds duration);
/// "812K", "45.2M", "1.5G".
[[nodiscard]] std::string short_size(std::size_t bytes);
/// Without control characters.
[[nodiscard]] std::string printable(std::string said);
/// At most so many characters of each line, and so many lines.
[[nodiscard]] std::string cut_to(const std::string& said, std::size_t columns, std::size_t lines);

}  // namespace temporal::supervisor::control
