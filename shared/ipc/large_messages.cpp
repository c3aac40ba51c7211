// SPDX-License-Identifier: MIT
// A Channel's messages that are too large for a record: they lie in its segments.
#include <climits>
#include <cstring>
#include <memory>
#include <new>

#include "shared/ipc/records.hpp"

namespace temporal::ipc {
namespace {

/// Of a record of ours; false when it is of another size.
template <class T>
bool read_as(std::span<const std::byte> payload, T& into) {
  if (payload.size() != sizeof into) return false;
  std::memcpy(&into, payload.data(), sizeof into);
  return true;
}

}  // namespace

// Before the copy of what may be large, and before a descriptor is sent for it.
Send Channel::room_for_place() const noexcept {
  static_assert(sizeof(BulkPlace) + kRecordHeaderSize <= kRecordAlignment);
  const auto space = out_.free_space();
  if (!space) return Send::corrupt;
  return *space < kRecordAlignment ? Send::full : Send::done;
}

Send Channel::stage(const google::protobuf::MessageLite& message) noexcept {
  const std::size_t size = message.ByteSizeLong();
  if (size > largest_bulk_ || size > INT_MAX) return Send::too_large;
  if (size > out_segment_.size()) {
    if (side_ == Side::child) return Send::need_segment;
    auto made = make_segment(Direction::down, size);
    if (!made) return Send::no_resources;
    out_segment_ = std::move(*made);
  }
  message.SerializeWithCachedSizesToArray(
      reinterpret_cast<std::uint8_t*>(out_segment_.memory->data()));
  staged_ = size;
  return Send::done;
}

Send Channel::send_staged(RecordType type) noexcept {
  if (const auto room = room_for_place(); room != Send::done) return room;
  if (out_segment_.fd) {
    const Offer offer{segments_ + 1, Direction::down};
    if (!send_segment(bulk_socket_, offer, out_segment_.fd.get())) return Send::no_resources;
    out_segment_.number = ++segments_;
    out_segment_.fd.reset();
  }
  const BulkPlace place{out_segment_.number, 0, 0, staged_};
  return send_bytes(type, std::as_bytes(std::span(&place, 1)), kBulkFlag);
}

Send Channel::ask_for_segment(std::size_t size) noexcept {
  const std::uint64_t needed = size;
  return send_bytes(RecordType::need_bulk, std::as_bytes(std::span(&needed, 1)));
}

Send Channel::grant(std::optional<Segment> made) noexcept {
  Offer offer;
  if (made) {
    offer = {segments_ + 1, Direction::up};
    if (send_segment(bulk_socket_, offer, made->fd.get())) {
      made->number = ++segments_;
      made->fd.reset();
      in_segment_ = std::move(*made);
    } else {
      offer = {};
    }
  }
  return send_bytes(RecordType::bulk, std::as_bytes(std::span(&offer, 1)));
}

void Channel::trim() noexcept {
  if (!has_segments() || send_bytes(RecordType::trim, {}) != Send::done) return;
  out_segment_ = {};
  in_segment_ = {};
}

Receive Channel::receive_large(const Record& record) noexcept {
  BulkPlace place;
  if (!read_as(record.payload, place)) return corrupt("a large message without its place");
  if (place.length > largest_bulk_ || place.length > INT_MAX)
    return corrupt("a large message over the cap");
  if (side_ == Side::child && place.segment != in_segment_.number)
    switch (take_segment(bulk_socket_, {place.segment, Direction::down}, in_segment_)) {
      case Taken::done:
        break;
      case Taken::missing:
        return corrupt("a large message in a segment that was not sent");
      case Taken::no_resources:
        return Receive::no_resources;
    }
  if (!in_segment_.memory || place.segment != in_segment_.number)
    return corrupt("a large message in a segment that is not there");
  const std::size_t size = in_segment_.size();
  if (place.offset > size || place.length > size - place.offset)
    return corrupt("a large message beyond its segment");
  bytes_ = {in_segment_.memory->data() + place.offset, place.length};
  large_ = true;
  return Receive::message;
}

Receive Channel::receive_offer(const Record& record) noexcept {
  Offer offer;
  if (!read_as(record.payload, offer)) return corrupt("an offer of another size");
  granted_ = false;
  if (offer.number == 0) return Receive::message;
  switch (take_segment(bulk_socket_, offer, out_segment_)) {
    case Taken::done:
      granted_ = true;
      break;
    case Taken::missing:
      return corrupt("an offer without its segment");
    case Taken::no_resources:
      break;
  }
  return Receive::message;
}

Receive Channel::receive_need(const Record& record) noexcept {
  std::uint64_t needed;
  if (!read_as(record.payload, needed)) return corrupt("a need of another size");
  if (needed <= kInlineLimit || needed > largest_bulk_)
    return corrupt("a need that no answer can have");
  return Receive::message;
}

Parsed Channel::read(google::protobuf::MessageLite& message) const noexcept {
  auto from = bytes_;
  try {
    std::unique_ptr<std::byte[]> copy;
    if (large_ && side_ == Side::supervisor) {
      copy.reset(new std::byte[from.size()]);  // not zeroed before: it may be large
      std::memcpy(copy.get(), from.data(), from.size());
      from = {copy.get(), from.size()};
    }
    return message.ParseFromArray(from.data(), static_cast<int>(from.size())) ? Parsed::done
                                                                              : Parsed::corrupt;
  } catch (const std::bad_alloc&) {
    return Parsed::no_resources;
  }
}

}  // namespace temporal::ipc
