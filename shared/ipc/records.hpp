// SPDX-License-Identifier: MIT
// Messages of child.proto as ring records. A Channel is one process's end of both rings: it sends
// one kind of message and receives the other, large ones by a segment (bulk.hpp). It rings when
// the other side sleeps, and the supervisor's trusts nothing it reads. It never waits: who has no
// room for a message asks again later.
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
  bulk = 4,  ///< an Offer: the answer to need_bulk
  trim = 5,  ///< empty: the segments are given back
  // ring B
  ready = 16,
  completed = 17,
  failed = 18,
  canceled = 19,
  async = 20,
  log = 21,
  pong = 22,
  metric = 23,
  need_bulk = 24,  ///< u64: so many bytes has the answer that waits for a segment
};

/// What may travel in ring A (supervisor → child), and in ring B.
[[nodiscard]] RecordRules down_rules() noexcept;
[[nodiscard]] RecordRules up_rules() noexcept;

enum class Send {
  done,
  full,          ///< no room in the ring now
  no_resources,  ///< no memory or descriptor for a large message now
  need_segment,  ///< a child's large message: ask_for_segment() first
  too_large,     ///< over the cap, or over what its type may be
  corrupt,       ///< the other side's index is impossible
};

enum class Receive {
  message,
  none,
  corrupt,       ///< final: see fault()
  no_resources,  ///< this message could not be fetched and is lost; `type` is known
};

enum class Parsed { done, corrupt, no_resources };

enum class Side { supervisor, child };

/// Descriptors are borrowed.
struct ChannelEnds {
  Side side;
  RingProducer out;
  RingConsumer in;
  SharedNumber* my_sleep;
  const SharedNumber* their_sleep;
  int their_bell;
  int bulk_socket;
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

  /// The first half of sending a message over kInlineLimit: writes it into the segment. Thread rule:
  /// any, while nobody sends a large message or trims here.
  [[nodiscard]] Send stage(const google::protobuf::MessageLite& message) noexcept;
  /// The second half, of what was staged last.
  [[nodiscard]] Send send_staged(RecordType type) noexcept;

  /// The child's, for an answer of so many bytes. A `bulk` record says what came of it: granted().
  [[nodiscard]] Send ask_for_segment(std::size_t size) noexcept;
  [[nodiscard]] bool granted() const noexcept { return granted_; }
  /// The supervisor's answer to need_bulk; empty: there is none now.
  [[nodiscard]] Send grant(std::optional<Segment> made) noexcept;
  /// The supervisor's, while the child has no task: no segment is kept on either side.
  void trim() noexcept;
  [[nodiscard]] bool has_segments() const noexcept {
    return out_segment_.memory || in_segment_.memory;
  }

  /// Has the other side taken all that was sent? Its own claim.
  [[nodiscard]] bool all_taken() const noexcept { return out_.drained(); }

  /// The next message, if there is one; then type() and bytes() describe it until the next call.
  [[nodiscard]] Receive receive() noexcept;
  [[nodiscard]] RecordType type() const noexcept { return type_; }
  /// Of a large one: in shared memory, which a living child may still change.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// False, and the channel corrupt, when the bytes are no such message; or without a fault(), for
  /// want of memory.
  [[nodiscard]] bool parse(google::protobuf::MessageLite& message) noexcept;
  /// The same; a caller that reads `corrupt` says so by refuse(). Thread rule: any, while nobody
  /// receives here.
  [[nodiscard]] Parsed read(google::protobuf::MessageLite& message) const noexcept;
  void refuse() noexcept { corrupt("bytes that are no message of their type"); }
  [[nodiscard]] const char* fault() const noexcept { return fault_; }

  /// Before and after a wait for the bell; between the two, ask has_message() once more.
  void about_to_sleep() noexcept { sleeper_.about_to_sleep(); }
  void awake() noexcept { sleeper_.awake(); }
  [[nodiscard]] bool has_message() const noexcept { return !in_.empty(); }
  /// Bytes of the ring that were received so far.
  [[nodiscard]] std::uint64_t received() const noexcept { return in_.taken(); }

 private:
  Receive corrupt(const char* fault) noexcept;
  Receive receive_large(const Record& record) noexcept;
  Receive receive_offer(const Record& record) noexcept;
  Receive receive_need(const Record& record) noexcept;
  /// A record that this class makes and reads itself.
  [[nodiscard]] Send send_bytes(RecordType type, std::span<const std::byte> payload,
                                std::uint16_t flags = 0) noexcept;
  [[nodiscard]] Send room_for_place() const noexcept;
  [[nodiscard]] Send rung() noexcept;

  Side side_;
  RingProducer out_;
  RingConsumer in_;
  Sleeper sleeper_;
  Ringer ringer_;
  int their_bell_;
  int bulk_socket_;
  std::size_t largest_bulk_;
  std::string scratch_;  // a message that wraps, on its way out
  Segment out_segment_, in_segment_;
  SegmentNumber segments_ = 0;  // sent by the supervisor
  std::size_t staged_ = 0;      // bytes of it
  bool granted_ = false;
  RecordType type_{};
  std::span<const std::byte> bytes_;
  bool large_ = false;  // they lie in the segment
  const char* fault_ = nullptr;
};

}  // namespace temporal::ipc
