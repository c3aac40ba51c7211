// SPDX-License-Identifier: MIT
#include "shared/ipc/records.hpp"

#include <array>
#include <climits>
#include <cstring>

namespace temporal::ipc {
namespace {

constexpr std::uint16_t kBulk =
    1;  // flag: the payload is a u64, the size of the message in the bulk socket
constexpr std::uint32_t kSmall = 1024;

constexpr std::size_t index(RecordType type) { return static_cast<std::size_t>(type); }

// Checked: what steers a process. The others are large, are parsed, and name their task.
constexpr auto kDown = [] {
  std::array<RecordRule, 4> rules{};
  rules[index(RecordType::start)] = {kInlineLimit, true, false};
  rules[index(RecordType::ping)] = {kSmall, true, true};
  rules[index(RecordType::quit)] = {kSmall, true, true};
  return rules;
}();

constexpr auto kUp = [] {
  std::array<RecordRule, 24> rules{};
  rules[index(RecordType::ready)] = {kSmall, true, true};
  rules[index(RecordType::completed)] = {kInlineLimit, true, false};
  rules[index(RecordType::failed)] = {kInlineLimit, true, false};
  rules[index(RecordType::canceled)] = {kInlineLimit, true, false};
  rules[index(RecordType::async)] = {kSmall, true, true};
  rules[index(RecordType::log)] = {kInlineLimit, true, false};
  rules[index(RecordType::pong)] = {kSmall, true, true};
  rules[index(RecordType::metric)] = {kInlineLimit, true, false};
  return rules;
}();

constexpr bool may_be_bulk(RecordType type) {
  return type == RecordType::start || type == RecordType::completed || type == RecordType::failed ||
         type == RecordType::canceled;
}

std::uint8_t* bytes_of(std::byte* data) { return reinterpret_cast<std::uint8_t*>(data); }

}  // namespace

RecordRules down_rules() noexcept { return kDown; }
RecordRules up_rules() noexcept { return kUp; }

ChannelEnds supervisor_ends(const SupervisorArena& arena, int child_bell, int bulk_socket) {
  return {
      .out = RingProducer(arena.ring_a(), arena.ring_capacity(), arena.ends().tail,
                          arena.child_ends().head, arena.epoch(), down_rules()),
      .in = RingConsumer(arena.ring_b(), arena.ring_capacity(), arena.child_ends().tail,
                         arena.ends().head, arena.epoch(), up_rules()),
      .my_sleep = &arena.ends().sleep,
      .their_sleep = &arena.child_ends().sleep,
      .their_bell = child_bell,
      .bulk_socket = bulk_socket,
      .ring = ring_at_once,
  };
}

ChannelEnds child_ends(const ChildArena& arena, int supervisor_bell, int bulk_socket) {
  return {
      .out = RingProducer(arena.ring_b(), arena.ring_capacity(), arena.ends().tail,
                          arena.supervisor_ends().head, arena.epoch(), up_rules()),
      .in = RingConsumer(arena.ring_a(), arena.ring_capacity(), arena.supervisor_ends().tail,
                         arena.ends().head, arena.epoch(), down_rules()),
      .my_sleep = &arena.ends().sleep,
      .their_sleep = &arena.supervisor_ends().sleep,
      .their_bell = supervisor_bell,
      .bulk_socket = bulk_socket,
  };
}

Channel::Channel(ChannelEnds ends, std::size_t largest_bulk) noexcept
    : out_(std::move(ends.out)),
      in_(std::move(ends.in)),
      sleeper_(*ends.my_sleep),
      ringer_(*ends.their_sleep),
      their_bell_(ends.their_bell),
      ring_(ends.ring),
      bulk_socket_(ends.bulk_socket),
      largest_bulk_(largest_bulk) {}

Send Channel::send(RecordType type, const google::protobuf::MessageLite& message) noexcept {
  return send_if_room(type, message, 0);
}

Send Channel::send_if_room(RecordType type, const google::protobuf::MessageLite& message,
                           std::uint32_t reserve) noexcept {
  if (reserve > 0) {
    auto space = out_.free_space();
    if (!space) return Send::corrupt;
    if (*space < reserve) return Send::full;
  }
  const std::size_t size = message.ByteSizeLong();
  const bool bulk = size > kInlineLimit;
  if (bulk && (!may_be_bulk(type) || size > largest_bulk_ || size > INT_MAX))
    return Send::too_large;

  RingProducer::Room room;
  const std::uint64_t announced = size;
  auto length = static_cast<std::uint32_t>(bulk ? sizeof announced : size);
  switch (out_.reserve(static_cast<std::uint16_t>(type), length, room)) {
    case Push::done:
      break;
    case Push::full:
      return Send::full;
    case Push::corrupt:
      return Send::corrupt;
  }

  std::span<const std::byte> payload;
  if (bulk) {
    scratch_.resize(size);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(scratch_.data()));
    bool sent = send_bulk(bulk_socket_, std::as_bytes(std::span(scratch_)));
    scratch_ = {};
    if (!sent) return Send::no_resources;
    payload = std::as_bytes(std::span(&announced, 1));
  } else if (room.second.empty()) {
    // The common case: no copy, the message is written where the other side reads it.
    message.SerializeWithCachedSizesToArray(bytes_of(room.first.data()));
  } else {
    scratch_.resize(size);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(scratch_.data()));
    payload = std::as_bytes(std::span(scratch_));
  }
  if (!payload.empty()) {
    std::memcpy(room.first.data(), payload.data(), room.first.size());
    if (!room.second.empty())
      std::memcpy(room.second.data(), payload.data() + room.first.size(), room.second.size());
  }
  out_.commit(bulk ? kBulk : 0);
  if (ringer_.must_ring() && !ring_(their_bell_)) return Send::corrupt;
  return Send::done;
}

Receive Channel::corrupt(const char* fault) noexcept {
  fault_ = fault;
  return Receive::corrupt;
}

Receive Channel::receive() noexcept {
  if (fault_) return Receive::corrupt;
  Record record;
  switch (in_.pop(record)) {
    case Pop::empty:
      return Receive::none;
    case Pop::corrupt:
      return corrupt(in_.fault());
    case Pop::record:
      break;
  }
  type_ = static_cast<RecordType>(record.type);
  bytes_ = record.payload;
  if (record.flags == 0) return Receive::message;

  std::uint64_t size;
  if (record.flags != kBulk || !may_be_bulk(type_)) return corrupt("unknown flags");
  if (record.payload.size() != sizeof size) return corrupt("a large message without its size");
  std::memcpy(&size, record.payload.data(), sizeof size);
  if (size > largest_bulk_ || size > INT_MAX) return corrupt("a large message over the cap");
  switch (receive_bulk(bulk_socket_, size, bulk_)) {
    case BulkRead::done:
      break;
    case BulkRead::corrupt:
      return corrupt("a large message without its sealed memory");
    case BulkRead::no_resources:
      return Receive::no_resources;
  }
  bytes_ = std::as_bytes(std::span(bulk_));
  return Receive::message;
}

bool Channel::parse(google::protobuf::MessageLite& message) noexcept {
  bool parsed = message.ParseFromArray(bytes_.data(), static_cast<int>(bytes_.size()));
  if (bytes_.size() > kInlineLimit) {
    bytes_ = {};
    bulk_ = {};  // not kept: it may be large
  }
  if (!parsed) corrupt("bytes that are no message of their type");
  return parsed;
}

}  // namespace temporal::ipc
