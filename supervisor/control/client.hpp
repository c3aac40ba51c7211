// SPDX-License-Identifier: MIT
// The other end of a control socket: ask once, get one answer.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/control/places.hpp"

namespace temporal::supervisor::control {

/// Somebody listens, and says nothing.
class NoAnswer : public ControlError {
 public:
  using ControlError::ControlError;
};

/// Blocks for at most about `patience`. Throws NoAnswer, or ControlError: nobody listens at `socket`, or the worker says no, in
/// its own words.
[[nodiscard]] nlohmann::json ask(const std::filesystem::path& socket, const nlohmann::json& request,
                                 std::chrono::seconds patience = std::chrono::seconds(10));

}  // namespace temporal::supervisor::control
