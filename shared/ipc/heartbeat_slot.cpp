// SPDX-License-Identifier: MIT
#include "shared/ipc/heartbeat_slot.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace temporal::ipc {
namespace {

// Words and not memcpy: a reader may be copying what a writer is already replacing. Release and
// acquire keep the copy between the two looks at the sequence, on every processor.
void store_bytes(SharedWord* to, std::string_view bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    to[at / 8].store(word, std::memory_order_release);
  }
}

void load_bytes(const SharedWord* from, std::string& bytes, std::size_t size) {
  bytes.resize(size);
  for (std::size_t at = 0; at < size; at += 8) {
    std::uint64_t word = from[at / 8].load(std::memory_order_acquire);
    std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, size - at));
  }
}

constexpr int kTries = 8;

}  // namespace

bool HeartbeatWriter::write(std::string_view encoding, std::string_view details) noexcept {
  if (details.size() > kHeartbeatDetailsLimit || encoding.size() > kHeartbeatEncodingLimit)
    return false;
  HeartbeatHalf& half = memory_->halves[(sequence_ + 1) % 2];
  half.sizes.store(details.size() | std::uint64_t{encoding.size()} << 32,
                   std::memory_order_release);
  store_bytes(half.encoding, encoding);
  store_bytes(half.details, details);
  // SYNC child → supervisor: this half is whole
  memory_->page.sequence.store(++sequence_);
  return true;
}

HeartbeatReader::Read HeartbeatReader::read(Heartbeat& into) noexcept {
  Heartbeat copy;
  for (int i = 0; i < kTries; ++i) {
    // SYNC child → supervisor
    std::uint64_t sequence = memory_->page.sequence.load();
    if (sequence == sequence_) return Read::same;
    if (sequence < sequence_) return Read::corrupt;
    const HeartbeatHalf& half = memory_->halves[sequence % 2];
    std::uint64_t sizes = half.sizes.load(std::memory_order_acquire);
    std::uint64_t details = sizes & 0xffffffff;
    std::uint64_t encoding = sizes >> 32;
    bool possible = details <= kHeartbeatDetailsLimit && encoding <= kHeartbeatEncodingLimit;
    if (possible) {
      load_bytes(half.encoding, copy.encoding, encoding);
      load_bytes(half.details, copy.details, details);
    }
    // Raised meanwhile: the child may be two heartbeats further, and writing where we read.
    if (memory_->page.sequence.load() != sequence) continue;
    if (!possible) return Read::corrupt;
    copy.sequence = sequence_ = sequence;
    into = std::move(copy);
    return Read::newer;
  }
  return Read::busy;
}

}  // namespace temporal::ipc
