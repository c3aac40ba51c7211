// SPDX-License-Identifier: MIT
// Messages too big for a record: written into a memory of their own, sealed so that nobody can
// change them any more, and sent as a descriptor over the child's bulk socket just before the
// record that announces them. One memory for each message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace temporal::ipc {

/// Up to here a message travels inside its record.
inline constexpr std::uint32_t kInlineLimit = 32 * 1024;
inline constexpr std::size_t kDefaultLargestBulk = 256 * 1024 * 1024;

/// False when memory, descriptors or room in the socket are short: nothing was sent then.
[[nodiscard]] bool send_bulk(int socket, std::span<const std::byte> message) noexcept;

enum class BulkRead {
  done,
  corrupt,       ///< no descriptor came, or it is no sealed memory of that size
  no_resources,  ///< no memory here for the copy, or no descriptor free
};
/// Takes the next descriptor from the socket (which must not block) and copies `size` bytes of it.
[[nodiscard]] BulkRead receive_bulk(int socket, std::size_t size, std::string& into) noexcept;

}  // namespace temporal::ipc
