// SPDX-License-Identifier: MIT
// The memory of one child incarnation: two halves, each written by exactly one process.
//
// down half, written by the supervisor, read-only in the child:
//   page 0  header: magic, layout version, epoch, ring capacity; from before the child exists
//   page 1  control: cancel word, deadline, shutdown notice, heartbeat bell
//   page 2  ends: ring A's tail, ring B's head, sleep number
//   ring A  Start, Ping, Quit, Bulk, Trim
//
// up half, written by the child, read-only in the supervisor:
//   page 0  status: progress counter, counters of dropped logs and metrics
//   page 1  ends: ring B's tail, ring A's head, sleep number
//   page 2  crash: why it dies, and where it was
//   ring B  Ready, Completed, Failed, Canceled, Async, NeedBulk, Log, Metric, Pong
//   slot    heartbeat: a page with its sequence, then twice a page (sizes, encoding) and 64 KiB (details)
//
// Every word has one writing process. Nothing here waits or signals; what is read from the other
// half is a claim, to be checked by whoever uses it. An arena is never used by two incarnations: a
// late write of a dying child has nowhere to land.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shared/ipc/fd.hpp"
#include "shared/ipc/memory.hpp"

namespace temporal::ipc {

inline constexpr std::size_t kPage = 4096;
inline constexpr std::uint32_t kLayoutVersion = 5;
inline constexpr std::uint64_t kMagic = 0x414e4552'41505354;  // "TSPARENA"
inline constexpr std::uint32_t kDefaultRingCapacity = 256 * 1024;
inline constexpr std::uint32_t kLargestRingCapacity = 64 * 1024 * 1024;
inline constexpr std::size_t kHeartbeatDetailsLimit = 64 * 1024;
inline constexpr std::size_t kHeartbeatEncodingLimit = 1024;
inline constexpr std::size_t kCrashFrames = 64;
inline constexpr std::size_t kCrashExceptionLimit = 2048;

using SharedWord = std::atomic<std::uint64_t>;
using SharedNumber = std::atomic<std::uint32_t>;
// A lock inside would be a state that only its holder can leave.
static_assert(SharedWord::is_always_lock_free && SharedNumber::is_always_lock_free);

struct Header {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t epoch;
  std::uint32_t ring_capacity;
};

struct alignas(kPage) ControlPage {
  SharedNumber cancel;  // cancel_word.hpp
  SharedNumber notice;  // 1: the worker is stopping
  SharedNumber
      heartbeat_bell;  // doorbell.hpp: odd while the supervisor wants to hear of a heartbeat
  alignas(64) SharedWord deadline_ns;  // CLOCK_MONOTONIC, 0: none
};

struct alignas(kPage) StatusPage {
  SharedWord progress;      // raised by every heartbeat
  SharedWord dropped_logs;  // ring B had no room for them
  SharedWord dropped_metrics;
};

/// crash_page.hpp. Written once, by a process that dies.
struct alignas(kPage) CrashPage {
  SharedNumber written;  // 1: the rest is there
  std::int32_t signal;
  std::uint32_t stack_overflow;
  std::uint32_t stranger;  // 1: no task is to blame: another thread's, or sent by somebody
  std::uint32_t frame_count;
  std::array<std::uintptr_t, kCrashFrames> frames;
  std::array<char, kCrashExceptionLimit> exception;
  SharedNumber exits;  // 1: this place's thread called exit()
};

/// One process's ends of both rings: it wrote this page.
struct alignas(kPage) EndsPage {
  alignas(64) SharedWord tail;     // of the ring it produces
  alignas(64) SharedWord head;     // of the ring it consumes
  alignas(64) SharedNumber sleep;  // odd while it sleeps for want of records
};

struct alignas(kPage) HeartbeatPage {
  SharedWord sequence;  // 0: no heartbeat yet; its lowest bit says which half is current
};

/// Words, because both processes may touch a half at once: the loser of that race throws its copy
/// away.
struct HeartbeatHalf {
  SharedWord sizes;  // details in the lower 32 bits, encoding in the upper
  SharedWord encoding[kHeartbeatEncodingLimit / 8];
  alignas(kPage) SharedWord details[kHeartbeatDetailsLimit / 8];
};

struct HeartbeatMemory {
  HeartbeatPage page;
  HeartbeatHalf halves[2];
};

/// The supervisor's half of the work: makes both memories, writes the header, seals.
class SupervisorArena {
 public:
  /// `ring_capacity` in bytes, a power of two. Empty when memory or descriptors are short.
  [[nodiscard]] static std::optional<SupervisorArena> create(
      std::uint32_t epoch, std::uint32_t ring_capacity = kDefaultRingCapacity) noexcept;

  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] std::uint32_t ring_capacity() const noexcept { return capacity_; }
  /// To be sent to the child; -1 after close_descriptors(), which leaves the mappings.
  [[nodiscard]] int down_fd() const noexcept { return down_fd_.get(); }
  [[nodiscard]] int up_fd() const noexcept { return up_fd_.get(); }
  void close_descriptors() noexcept;

  [[nodiscard]] ControlPage& control() const noexcept;
  [[nodiscard]] EndsPage& ends() const noexcept;
  [[nodiscard]] std::byte* ring_a() const noexcept;
  [[nodiscard]] const StatusPage& status() const noexcept;
  [[nodiscard]] const CrashPage& crash() const noexcept;
  [[nodiscard]] const EndsPage& child_ends() const noexcept;
  [[nodiscard]] const std::byte* ring_b() const noexcept;
  [[nodiscard]] const HeartbeatMemory& heartbeat() const noexcept;

 private:
  SupervisorArena(std::uint32_t epoch, std::uint32_t capacity, UniqueFd down_fd, UniqueFd up_fd,
                  Mapping down, Mapping up) noexcept;
  std::uint32_t epoch_;
  std::uint32_t capacity_;
  UniqueFd down_fd_;
  UniqueFd up_fd_;
  Mapping down_;
  Mapping up_;
};

/// The child's view. Both mappings stay out of processes that an activity forks.
class ChildArena {
 public:
  /// Empty when the memories are not two halves of this layout version. The descriptors may be
  /// closed afterwards.
  [[nodiscard]] static std::optional<ChildArena> open(int down_fd, int up_fd) noexcept;

  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] std::uint32_t ring_capacity() const noexcept { return capacity_; }

  [[nodiscard]] const ControlPage& control() const noexcept;
  [[nodiscard]] const EndsPage& supervisor_ends() const noexcept;
  [[nodiscard]] const std::byte* ring_a() const noexcept;
  [[nodiscard]] StatusPage& status() const noexcept;
  [[nodiscard]] CrashPage& crash() const noexcept;
  [[nodiscard]] EndsPage& ends() const noexcept;
  [[nodiscard]] std::byte* ring_b() const noexcept;
  [[nodiscard]] HeartbeatMemory& heartbeat() const noexcept;

 private:
  ChildArena(std::uint32_t epoch, std::uint32_t capacity, Mapping down, Mapping up) noexcept;
  std::uint32_t epoch_;
  std::uint32_t capacity_;
  Mapping down_;
  Mapping up_;
};

}  // namespace temporal::ipc
