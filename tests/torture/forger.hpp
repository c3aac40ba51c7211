// SPDX-License-Identifier: MIT
// A child's shared memory in the hands of code that means harm: found by its name in /proc/self/maps, written as no child of ours
// would. A Forger wants a young child: it counts the records from the beginning of ring B.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/ipc/arena.hpp"
#include "shared/ipc/records.hpp"

namespace hostile {

namespace ipc = temporal::ipc;

struct Half {
  std::byte* data = nullptr;
  std::size_t size = 0;
  std::string range;  ///< as /proc/self/map_files names it
};
/// "up" or "down".
[[nodiscard]] Half find_half(std::string_view which);
/// Does anything of the kind appear in this process's maps?
[[nodiscard]] bool sees_arena();
/// The eventfd that wakes the supervisor.
[[nodiscard]] int supervisor_bell();

struct Forgery {
  ipc::RecordType type = ipc::RecordType::completed;
  std::string payload = {};
  std::uint16_t flags = 0;
  int sequence_by = 0;              ///< off the one that is due
  int epoch_by = 0;                 ///< off ours
  std::uint32_t checksum_flip = 0;  ///< xor
  std::int64_t length_by = 0;       ///< announced, off the true one
};

class Forger {
 public:
  Forger();
  /// Published; the supervisor is not rung.
  void write(const Forgery& forgery);
  void write(ipc::RecordType type, const google::protobuf::MessageLite& message) {
    write({.type = type, .payload = message.SerializeAsString()});
  }
  void ring() const;
  /// Of the task in hand, from the cancel word.
  [[nodiscard]] std::uint64_t task() const;
  /// Where the next record will begin.
  [[nodiscard]] std::uint64_t* next_header() const;
  [[nodiscard]] bool has_room(std::uint32_t bytes) const;

  [[nodiscard]] ipc::EndsPage& ends() const;
  [[nodiscard]] const ipc::EndsPage& supervisor_ends() const;
  [[nodiscard]] const ipc::ControlPage& control() const;
  [[nodiscard]] ipc::HeartbeatMemory& heartbeats() const;
  [[nodiscard]] const Half& up() const { return up_; }
  [[nodiscard]] const Half& down() const { return down_; }

 private:
  Half up_, down_;
  std::uint32_t epoch_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t sequence_ = 0;
  int bell_ = -1;
};

}  // namespace hostile
