// SPDX-License-Identifier: MIT
// Messages of child.proto as ring records. A Channel is one process's end of both rings: it sends
// one kind of message and receives the other, large ones by a descriptor (bulk.hpp). It rings when
// the other side sleeps, and trusts nothing it reads. It never waits: who has no room for a message
// asks again later.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <optional>
#include <string>

#include "shared/ipc/bulk.hpp"
#include "shared/ipc/doorbell.hpp"
#include "shared/ipc/ring.hpp"

namespace temporal::ipc {

enum class RecordType : std::uint16_t {
  // ring A
  start = 1,
  ping = 2,
  quit = 3,
  // ring B
  ready = 16,
  completed = 17,
  failed = 18,
  canceled = 19,
  async = 20,
  log = 21,
  pong = 22,
  metric = 23,
};

/// What may travel in ring A (supervisor → child), and in ring B.
[[nodiscard]] RecordRules down_rules() noexcept;
[[nodiscard]] RecordRules up_rules() noexcept;

enum class Send {
  done,
  full,          ///< no room in the ring now
  no_resources,  ///< no memory or descriptor for a large message now
  too_large,     ///< over the cap, or over what its type may be
  corrupt,       ///< the other side's index is impossible
};

enum class Receive {
  message,
  none,
  corrupt,       ///< final: see fault()
  no_resources,  ///< this message could not be fetched and is lost; `type` is known
};

/// Descriptors are borrowed.
struct ChannelEnds {
  RingProducer out;
  RingConsumer in;
  SharedNumber* my_sleep;
  const SharedNumber* their_sleep;
  int their_bell;
  int bulk_socket;
  bool (*ring)(int bell) noexcept = ipc::ring;
};
[[nodiscard]] ChannelEnds supervisor_ends(const SupervisorArena& arena, int child_bell,
                                          int bulk_socket);
[[nodiscard]] ChannelEnds child_ends(const ChildArena& arena, int supervisor_bell, int bulk_socket);

class Channel {
 public:
  explicit Channel(ChannelEnds ends, std::size_t largest_bulk = kDefaultLargestBulk) noexcept;

  /// Commits the message and rings if the other side sleeps.
  [[nodiscard]] Send send(RecordType type, const google::protobuf::MessageLite& message) noexcept;
  /// As send(), but leaves `reserve` bytes of the ring to more important messages: else `full`.
  [[nodiscard]] Send send_if_room(RecordType type, const google::protobuf::MessageLite& message,
                                  std::uint32_t reserve) noexcept;

  /// Has the other side taken all that was sent? Its own claim.
  [[nodiscard]] bool all_taken() const noexcept { return out_.drained(); }

  /// The next message, if there is one; then type() and bytes() describe it until the next call.
  [[nodiscard]] Receive receive() noexcept;
  [[nodiscard]] RecordType type() const noexcept { return type_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// False, and the channel corrupt, when the bytes are no such message.
  [[nodiscard]] bool parse(google::protobuf::MessageLite& message) noexcept;
  [[nodiscard]] const char* fault() const noexcept { return fault_; }

  /// Before and after a wait for the bell; between the two, ask has_message() once more.
  void about_to_sleep() noexcept { sleeper_.about_to_sleep(); }
  void awake() noexcept { sleeper_.awake(); }
  [[nodiscard]] bool has_message() const noexcept { return !in_.empty(); }
  /// Bytes of the ring that were received so far.
  [[nodiscard]] std::uint64_t received() const noexcept { return in_.taken(); }

 private:
  Receive corrupt(const char* fault) noexcept;

  RingProducer out_;
  RingConsumer in_;
  Sleeper sleeper_;
  Ringer ringer_;
  int their_bell_;
  bool (*ring_)(int bell) noexcept;
  int bulk_socket_;
  std::size_t largest_bulk_;
  std::string scratch_;  // a message that wraps, or a large one, on its way out
  std::string bulk_;     // a large one that came in
  RecordType type_{};
  std::span<const std::byte> bytes_;
  const char* fault_ = nullptr;
};

}  // namespace temporal::ipc
