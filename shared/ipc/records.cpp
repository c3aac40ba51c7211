// SPDX-License-Identifier: MIT
#include "shared/ipc/records.hpp"

#include <array>
#include <cstring>

namespace temporal::ipc {
namespace {

constexpr std::uint32_t kSmall = 1024;
constexpr std::uint32_t kReady = 8 * 1024;  // of a child that tells where its code lies

constexpr std::size_t index(RecordType type) { return static_cast<std::size_t>(type); }

// Checked: what steers a process. The others are large, are parsed, and name their task.
constexpr auto kDown = [] {
  std::array<RecordRule, 6> rules{};
  rules[index(RecordType::start)] = {kInlineLimit, true, false};
  rules[index(RecordType::ping)] = {kSmall, true, true};
  rules[index(RecordType::quit)] = {kSmall, true, true};
  rules[index(RecordType::bulk)] = {sizeof(Offer), true, true};
  rules[index(RecordType::trim)] = {0, true, true};
  return rules;
}();

constexpr auto kUp = [] {
  std::array<RecordRule, 25> rules{};
  rules[index(RecordType::ready)] = {kReady, true, true};
  rules[index(RecordType::completed)] = {kInlineLimit, true, false};
  rules[index(RecordType::failed)] = {kInlineLimit, true, false};
  rules[index(RecordType::canceled)] = {kInlineLimit, true, false};
  rules[index(RecordType::async)] = {kSmall, true, true};
  rules[index(RecordType::log)] = {kInlineLimit, true, false};
  rules[index(RecordType::pong)] = {kSmall, true, true};
  rules[index(RecordType::metric)] = {kInlineLimit, true, false};
  rules[index(RecordType::need_bulk)] = {sizeof(std::uint64_t), true, true};
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
      .side = Side::supervisor,
      .out = RingProducer(arena.ring_a(), arena.ring_capacity(), arena.ends().tail,
                          arena.child_ends().head, arena.epoch(), down_rules()),
      .in = RingConsumer(arena.ring_b(), arena.ring_capacity(), arena.child_ends().tail,
                         arena.ends().head, arena.epoch(), up_rules()),
      .my_sleep = &arena.ends().sleep,
      .their_sleep = &arena.child_ends().sleep,
      .their_bell = child_bell,
      .bulk_socket = bulk_socket,
  };
}

ChannelEnds child_ends(const ChildArena& arena, int supervisor_bell, int bulk_socket) {
  return {
      .side = Side::child,
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
    : side_(ends.side),
      out_(std::move(ends.out)),
      in_(std::move(ends.in)),
      sleeper_(*ends.my_sleep),
      ringer_(*ends.their_sleep),
      their_bell_(ends.their_bell),
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
  if (size > kInlineLimit) {
    if (!may_be_bulk(type)) return Send::too_large;
    if (const auto room = room_for_place(); room != Send::done) return room;
    if (const auto staged = stage(message); staged != Send::done) return staged;
    return send_staged(type);
  }
  RingProducer::Room room;
  switch (out_.reserve(static_cast<std::uint16_t>(type), static_cast<std::uint32_t>(size), room)) {
    case Push::done:
      break;
    case Push::full:
      return Send::full;
    case Push::corrupt:
      return Send::corrupt;
  }
  if (room.second.empty()) {
    // The common case: no copy, the message is written where the other side reads it.
    message.SerializeWithCachedSizesToArray(bytes_of(room.first.data()));
  } else {
    scratch_.resize(size);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(scratch_.data()));
    std::memcpy(room.first.data(), scratch_.data(), room.first.size());
    std::memcpy(room.second.data(), scratch_.data() + room.first.size(), room.second.size());
  }
  out_.commit();
  return rung();
}

Send Channel::rung() noexcept {
  return ringer_.must_ring() && !ring(their_bell_) ? Send::corrupt : Send::done;
}

Send Channel::send_bytes(RecordType type, std::span<const std::byte> payload,
                         std::uint16_t flags) noexcept {
  switch (out_.push(static_cast<std::uint16_t>(type), payload, flags)) {
    case Push::full:
      return Send::full;
    case Push::corrupt:
      return Send::corrupt;
    case Push::done:
      break;
  }
  return rung();
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
  large_ = false;
  if (record.flags == kBulkFlag && may_be_bulk(type_)) return receive_large(record);
  if (record.flags != 0) return corrupt("unknown flags");
  switch (type_) {
    case RecordType::bulk:
      return receive_offer(record);
    case RecordType::need_bulk:
      return receive_need(record);
    case RecordType::trim:
      out_segment_ = {};
      in_segment_ = {};
      return receive();
    default:
      return Receive::message;
  }
}

bool Channel::parse(google::protobuf::MessageLite& message) noexcept {
  const auto parsed = read(message);
  if (parsed == Parsed::corrupt) refuse();
  return parsed == Parsed::done;
}

}  // namespace temporal::ipc
