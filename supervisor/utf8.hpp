// SPDX-License-Identifier: MIT
// One name or value that is not UTF-8, and who reads it (a server, Prometheus) refuses all of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace temporal::supervisor {

[[nodiscard]] inline bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

}  // namespace temporal::supervisor
