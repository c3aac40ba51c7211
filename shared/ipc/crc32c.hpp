// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli), by the processor's instruction where there is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace temporal::ipc {

/// Continues `crc`, which is 0 at the start. The checksum of "123456789" is 0xe3069283.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;

}  // namespace temporal::ipc
