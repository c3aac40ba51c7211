// SPDX-License-Identifier: MIT
// Messages too big for a record lie in a segment: one memory for each direction of a child, made by
// the supervisor on first need, kept while the child lives, replaced by a larger one, given back
// when it was not used for long. The record only says where in it.
//
//   down  written by the supervisor, sealed against everybody else: the child maps it read-only
//   up    written by the child, sealed in its size: the supervisor maps it read-only, and parses
//         only copies
//
// A segment's descriptor goes over the child's socket once, just before the record that first names
// it. One task for each child means one user for each segment: there is nothing to allocate in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shared/ipc/fd.hpp"
#include "shared/ipc/memory.hpp"

namespace temporal::ipc {

/// Up to here a message travels inside its record.
inline constexpr std::uint32_t kInlineLimit = 32 * 1024;
inline constexpr std::size_t kDefaultLargestBulk = 256 * 1024 * 1024;
/// Both directions together count them, from 1.
using SegmentNumber = std::uint32_t;

enum class Direction : std::uint32_t { down, up };

/// What goes with a segment's descriptor. Number 0, in the answer to NeedBulk: there is none now.
struct Offer {
  SegmentNumber number = 0;
  Direction direction = Direction::down;
};

/// Of a record: its payload is a BulkPlace.
inline constexpr std::uint16_t kBulkFlag = 1;
/// Where a large message is.
struct BulkPlace {
  SegmentNumber segment = 0;
  std::uint32_t unused = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// One process's view of the segment of one direction.
struct Segment {
  SegmentNumber number = 0;
  std::optional<Mapping> memory;  ///< none yet, or given back
  UniqueFd fd;                    ///< in the supervisor, until it was sent

  [[nodiscard]] std::size_t size() const noexcept { return memory ? memory->size() : 0; }
};

/// The supervisor's: of the next power of two, sealed, its pages there. It has no number yet. Empty
/// when memory or descriptors are short. Thread rule: any.
[[nodiscard]] std::optional<Segment> make_segment(Direction direction,
                                                  std::size_t at_least) noexcept;
/// False when there is no room in the socket: nothing was sent then.
[[nodiscard]] bool send_segment(int socket, const Offer& offer, int fd) noexcept;

enum class Taken {
  done,
  missing,       ///< it was not sent
  no_resources,  ///< no memory or descriptor here: it can be taken later
};
/// The child's: maps what was sent under that number, and forgets what was sent before it.
[[nodiscard]] Taken take_segment(int socket, const Offer& wanted, Segment& into) noexcept;

}  // namespace temporal::ipc
