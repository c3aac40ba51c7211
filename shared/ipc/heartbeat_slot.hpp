// SPDX-License-Identifier: MIT
// The newest heartbeat of a child: two halves and a sequence. The child writes the half that is not
// current, then raises the sequence; the newest wins and nothing ever waits. No Payload is built
// here: the slot holds encoded details and the name of their encoding, the supervisor wraps them
// when it sends.
//
//   sequence 4: half 0 is current    write half 1    sequence 5: half 1 is current
//
// Killed in the middle of a write: the former heartbeat still stands, whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/ipc/arena.hpp"

namespace temporal::ipc {

/// The child's side.
class HeartbeatWriter {
 public:
  explicit HeartbeatWriter(HeartbeatMemory& memory) noexcept : memory_(&memory) {}
  /// False, and nothing written, when `details` is over kHeartbeatDetailsLimit or `encoding` over
  /// kHeartbeatEncodingLimit bytes. Both may be empty.
  [[nodiscard]] bool write(std::string_view encoding, std::string_view details) noexcept;

 private:
  HeartbeatMemory* memory_;
  std::uint64_t sequence_ = 0;
};

struct Heartbeat {
  std::uint64_t sequence = 0;  ///< 1 is the first of this incarnation
  std::string encoding;
  std::string details;
};

/// The supervisor's side. Believes no size.
class HeartbeatReader {
 public:
  explicit HeartbeatReader(const HeartbeatMemory& memory) noexcept : memory_(&memory) {}

  enum class Read {
    newer,    ///< `into` holds a heartbeat younger than the last one read
    same,     ///< none since
    busy,     ///< the child overtook every try: it is beating right now, ask again later
    corrupt,  ///< impossible sizes, or a sequence that runs backwards
  };
  /// `into` changes only with `newer`.
  [[nodiscard]] Read read(Heartbeat& into) noexcept;
  /// Has anything been written since the last `newer`? One load.
  [[nodiscard]] bool fresh() const noexcept { return memory_->page.sequence.load() != sequence_; }
  /// Whatever was written up to now belongs to a former task.
  void skip() noexcept { sequence_ = memory_->page.sequence.load(); }

 private:
  const HeartbeatMemory* memory_;
  std::uint64_t sequence_ = 0;
};

}  // namespace temporal::ipc
