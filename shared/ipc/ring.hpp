// SPDX-License-Identifier: MIT
// A byte ring between two processes: one producer, one consumer, no lock, no system call. Whoever
// dies, the other goes on.
//
//   record  u32 length · u16 type · u16 flags · u64 seq · u32 epoch · u32 crc32c · payload, padded
//   to 64 bytes
//
// A record exists once `tail` was stored, whole; before that nothing happened. Each side keeps its
// own index privately and never reads it back from shared memory. The consumer believes nothing:
// any violation is `corrupt`, the ring is dead then, and it does not look for a next good record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shared/ipc/arena.hpp"

namespace temporal::ipc {

inline constexpr std::uint32_t kRecordAlignment = 64;
inline constexpr std::uint32_t kRecordHeaderSize = 24;

/// What a record of one type may be. The checksum always covers the header; with `checked`, the
/// payload too.
struct RecordRule {
  std::uint32_t max_length = 0;
  bool known = false;
  bool checked = false;
};
/// Indexed by type; what lies beyond is unknown.
using RecordRules = std::span<const RecordRule>;

enum class Push {
  done,
  full,     ///< no room now
  corrupt,  ///< the consumer's index is impossible
};

class RingProducer {
 public:
  RingProducer(std::byte* data, std::uint32_t capacity, SharedWord& tail, const SharedWord& head,
               std::uint32_t epoch, RecordRules rules) noexcept;

  /// Room for one payload, in one or two pieces (it may wrap), to be filled and committed; an
  /// unfinished one is simply forgotten. `type` and `length` must fit the rules.
  struct Room {
    std::span<std::byte> first;
    std::span<std::byte> second;
  };
  [[nodiscard]] Push reserve(std::uint16_t type, std::uint32_t length, Room& room) noexcept;
  void commit(std::uint16_t flags = 0) noexcept;

  [[nodiscard]] Push push(std::uint16_t type, std::span<const std::byte> payload,
                          std::uint16_t flags = 0) noexcept;

  /// Bytes a record may take now, header and padding included; nothing when the consumer's index is
  /// impossible.
  [[nodiscard]] std::optional<std::uint32_t> free_space() const noexcept;
  /// Has the consumer taken everything?
  [[nodiscard]] bool drained() const noexcept { return shared_head_->load() == tail_; }

 private:
  std::byte* data_;
  std::uint32_t capacity_;
  SharedWord* shared_tail_;
  const SharedWord* shared_head_;
  std::uint32_t epoch_;
  RecordRules rules_;
  std::uint64_t tail_ = 0;
  std::uint64_t seq_ = 0;
  std::uint16_t type_ = 0;  // of the reservation
  std::uint32_t length_ = 0;
};

enum class Pop { record, empty, corrupt };

struct Record {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::span<const std::byte> payload;  ///< a private copy, valid until the next pop
};

class RingConsumer {
 public:
  /// Throws std::bad_alloc: room for the largest record is taken here, and never again.
  RingConsumer(const std::byte* data, std::uint32_t capacity, const SharedWord& tail,
               SharedWord& head, std::uint32_t epoch, RecordRules rules);

  [[nodiscard]] Pop pop(Record& record) noexcept;
  /// A look at the other side's tail only: "not empty" may still turn out corrupt.
  [[nodiscard]] bool empty() const noexcept;
  /// Bytes of the ring that were taken so far.
  [[nodiscard]] std::uint64_t taken() const noexcept { return head_; }
  /// After `corrupt`: which rule was broken. A literal.
  [[nodiscard]] const char* fault() const noexcept { return fault_; }

 private:
  Pop corrupt(const char* fault) noexcept;

  const std::byte* data_;
  std::uint32_t capacity_;
  const SharedWord* shared_tail_;
  SharedWord* shared_head_;
  std::uint32_t epoch_;
  RecordRules rules_;
  std::uint64_t head_ = 0;
  std::uint64_t seq_ = 0;
  std::vector<std::byte> copy_;
  const char* fault_ = nullptr;
};

}  // namespace temporal::ipc
