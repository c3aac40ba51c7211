// SPDX-License-Identifier: MIT
// The other end of a control socket: ask once, get one answer.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace temporal::supervisor::control {

/// Blocks for at most about `patience`. Throws ControlError: nobody listens at `socket`, the worker does not answer, or it says
/// no, in its own words.
[[nodiscard]] nlohmann::json ask(const std::filesystem::path& socket, const nlohmann::json& request,
                                 std::chrono::seconds patience = std::chrono::seconds(10));

}  // namespace temporal::supervisor::control
