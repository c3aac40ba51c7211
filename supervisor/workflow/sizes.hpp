// SPDX-License-Identifier: MIT
// What values take in memory, about: enough to tell a large run from a small one.
#pragma once

#include <cstddef>

#include "temporal/payload.hpp"

namespace temporal::engine {

[[nodiscard]] inline std::size_t size_of(const Payload& payload) noexcept {
  auto size = sizeof payload + payload.data.capacity();
  for (const auto& [key, value] : payload.metadata)
    size += sizeof key + sizeof value + key.capacity() + value.capacity();
  return size;
}

[[nodiscard]] inline std::size_t size_of(const Payloads& payloads) noexcept {
  std::size_t size = 0;
  for (const auto& payload : payloads) size += size_of(payload);
  return size;
}

/// What a message takes in memory, in bytes it takes on the wire; about. To ask it itself costs more than to write it.
inline constexpr std::size_t kInMemory = 3;

}  // namespace temporal::engine
