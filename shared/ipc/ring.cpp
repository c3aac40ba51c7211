// SPDX-License-Identifier: MIT
#include "shared/ipc/ring.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "shared/ipc/crc32c.hpp"

namespace temporal::ipc {
namespace {

struct RecordHeader {
  std::uint32_t length;
  std::uint16_t type;
  std::uint16_t flags;
  std::uint64_t seq;
  std::uint32_t epoch;
  std::uint32_t crc;
};
static_assert(sizeof(RecordHeader) == kRecordHeaderSize);

constexpr std::uint64_t record_size(std::uint32_t length) {
  std::uint64_t bytes = std::uint64_t{length} + kRecordHeaderSize;
  return (bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

std::uint32_t header_crc(const RecordHeader& header) noexcept {
  return crc32c(0, std::as_bytes(std::span(&header, 1)).first(offsetof(RecordHeader, crc)));
}

/// The header as it was at one moment: the other side may rewrite it while we look. Records are
/// aligned, so a header never wraps and its three words can be loaded once each.
RecordHeader load_header(const std::byte* from) noexcept {
  std::uint64_t words[3];
  for (int i = 0; i < 3; ++i)
    words[i] = __atomic_load_n(reinterpret_cast<const std::uint64_t*>(from) + i, __ATOMIC_RELAXED);
  RecordHeader header;
  std::memcpy(&header, words, sizeof header);
  return header;
}

void store_header(std::byte* to, const RecordHeader& header) noexcept {
  std::uint64_t words[3];
  std::memcpy(words, &header, sizeof header);
  for (int i = 0; i < 3; ++i)
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(to) + i, words[i], __ATOMIC_RELAXED);
}

}  // namespace

RingProducer::RingProducer(std::byte* data, std::uint32_t capacity, SharedWord& tail,
                           const SharedWord& head, std::uint32_t epoch, RecordRules rules) noexcept
    : data_(data),
      capacity_(capacity),
      shared_tail_(&tail),
      shared_head_(&head),
      epoch_(epoch),
      rules_(rules) {}

std::optional<std::uint32_t> RingProducer::free_space() const noexcept {
  // SYNC consumer → producer: what lies before head was copied out and may be overwritten
  std::uint64_t used = tail_ - shared_head_->load();
  if (used > capacity_ || used % kRecordAlignment != 0) return std::nullopt;
  return capacity_ - static_cast<std::uint32_t>(used);
}

Push RingProducer::reserve(std::uint16_t type, std::uint32_t length, Room& room) noexcept {
  assert(type < rules_.size() && rules_[type].known && length <= rules_[type].max_length &&
         "a record of our own that its reader would refuse");
  auto space = free_space();
  if (!space) return Push::corrupt;
  if (record_size(length) > *space) return Push::full;
  auto begin = static_cast<std::uint32_t>((tail_ + kRecordHeaderSize) & (capacity_ - 1));
  std::uint32_t first = std::min(length, capacity_ - begin);
  room.first = {data_ + begin, first};
  room.second = {data_, length - first};
  type_ = type;
  length_ = length;
  return Push::done;
}

void RingProducer::commit(std::uint16_t flags) noexcept {
  RecordHeader header{length_, type_, flags, ++seq_, epoch_, 0};
  header.crc = header_crc(header);
  if (rules_[type_].checked) {
    auto begin = static_cast<std::uint32_t>((tail_ + kRecordHeaderSize) & (capacity_ - 1));
    std::uint32_t first = std::min(length_, capacity_ - begin);
    header.crc = crc32c(header.crc, {data_ + begin, first});
    header.crc = crc32c(header.crc, {data_, length_ - first});
  }
  store_header(data_ + (tail_ & (capacity_ - 1)), header);
  tail_ += record_size(length_);
  // SYNC producer → consumer: the record is complete
  shared_tail_->store(tail_);
}

Push RingProducer::push(std::uint16_t type, std::span<const std::byte> payload,
                        std::uint16_t flags) noexcept {
  Room room;
  auto reserved = reserve(type, static_cast<std::uint32_t>(payload.size()), room);
  if (reserved != Push::done) return reserved;
  std::copy_n(payload.begin(), room.first.size(), room.first.begin());
  std::copy(payload.begin() + static_cast<std::ptrdiff_t>(room.first.size()), payload.end(),
            room.second.begin());
  commit(flags);
  return Push::done;
}

RingConsumer::RingConsumer(const std::byte* data, std::uint32_t capacity, const SharedWord& tail,
                           SharedWord& head, std::uint32_t epoch, RecordRules rules)
    : data_(data),
      capacity_(capacity),
      shared_tail_(&tail),
      shared_head_(&head),
      epoch_(epoch),
      rules_(rules) {
  std::uint32_t largest = 0;
  for (const RecordRule& rule : rules) largest = std::max(largest, rule.max_length);
  copy_.resize(largest);
}

bool RingConsumer::empty() const noexcept { return shared_tail_->load() == head_; }

Pop RingConsumer::corrupt(const char* fault) noexcept {
  fault_ = fault;
  return Pop::corrupt;
}

Pop RingConsumer::pop(Record& record) noexcept {
  if (fault_) return Pop::corrupt;
  // SYNC producer → consumer: loaded once; everything before it is complete, or a lie
  std::uint64_t available = shared_tail_->load() - head_;
  if (available == 0) return Pop::empty;
  if (available > capacity_) return corrupt("tail is out of range");
  if (available % kRecordAlignment != 0) return corrupt("tail is not aligned");

  RecordHeader header = load_header(data_ + (head_ & (capacity_ - 1)));
  if (header.type >= rules_.size() || !rules_[header.type].known) return corrupt("unknown type");
  const RecordRule& rule = rules_[header.type];
  if (header.length > rule.max_length) return corrupt("longer than its type may be");
  if (record_size(header.length) > available) return corrupt("longer than what was written");
  if (header.epoch != epoch_) return corrupt("foreign epoch");
  if (header.seq != seq_ + 1) return corrupt("sequence broken");

  auto begin = static_cast<std::uint32_t>((head_ + kRecordHeaderSize) & (capacity_ - 1));
  std::uint32_t first = std::min(header.length, capacity_ - begin);
  std::copy_n(data_ + begin, first, copy_.begin());
  std::copy_n(data_, header.length - first, copy_.begin() + first);
  std::span<const std::byte> payload(copy_.data(), header.length);

  std::uint32_t crc = header_crc(header);
  if (rule.checked) crc = crc32c(crc, payload);
  if (crc != header.crc) return corrupt("checksum differs");

  seq_ = header.seq;
  head_ += record_size(header.length);
  // SYNC consumer → producer: this room is free
  shared_head_->store(head_);
  record = {header.type, header.flags, payload};
  return Pop::record;
}

}  // namespace temporal::ipc
