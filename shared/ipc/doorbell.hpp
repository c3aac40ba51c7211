// SPDX-License-Identifier: MIT
// Waking the other side, as rarely as can be: a wake-up costs a hundred times what a record costs.
//
//  consumer                                   producer
//  number to the next odd value               commit
//  one more look at the ring; empty: wait     number odd, and not the one it last rang for: ring
//  once awake: number to the next even value
//
// All loads and stores are seq_cst, so one of the two sees the other. Each word keeps its one
// writer, and a sleep costs one ring however many records follow. A producer that dies between
// commit and ring loses the hint, never the record.
//
// The supervisor waits for many children: each rings a bell of its own, and a BellBoard hears all.
// A child waits for its supervisor alone: it has an ear for a bell that only the supervisor holds,
// so it can neither fill that nor make it block.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "shared/ipc/arena.hpp"
#include "shared/ipc/fd.hpp"

namespace temporal::ipc {

/// The consumer's side of one sleep number.
class Sleeper {
 public:
  explicit Sleeper(SharedNumber& number) noexcept : shared_(&number) {}
  /// From now on the producer will ring. Look for work once more after this, before waiting.
  void about_to_sleep() noexcept {
    if (number_ % 2 == 0) shared_->store(++number_);
  }
  void awake() noexcept {
    if (number_ % 2 == 1) shared_->store(++number_);
  }

 private:
  SharedNumber* shared_;
  std::uint32_t number_ = 0;
};

/// The producer's side of one sleep number.
class Ringer {
 public:
  explicit Ringer(const SharedNumber& number) noexcept : shared_(&number) {}
  /// Asked after a commit: does the other side sleep, and has it not been rung for this sleep?
  [[nodiscard]] bool must_ring() noexcept {
    std::uint32_t number = shared_->load();
    if (number % 2 == 0 || number == last_) return false;
    last_ = number;
    return true;
  }

 private:
  const SharedNumber* shared_;
  std::uint32_t last_ = 0;
};

/// A non-blocking eventfd. Who shares one with a process that means harm never writes it: that may
/// have filled its counter, and taken O_NONBLOCK away from both.
[[nodiscard]] UniqueFd create_bell() noexcept;
/// False only when the descriptor is no bell. A full counter is rung already.
[[nodiscard]] bool ring(int bell) noexcept;
/// How often it was rung since it was last asked here; 0 where the kernel cannot tell without
/// waiting (before 5.8). Never waits, whatever the other side did to it.
std::uint64_t count_rings(int bell) noexcept;

/// An epoll instance, to be given away: who has it can wait for this bell and do nothing to it. Its
/// counter is never read, each ring is one event. Empty when the process is out of descriptors.
[[nodiscard]] UniqueFd create_ear(int bell) noexcept;
/// Until the bell was rung since the last wait. May return early; false when the descriptor is no
/// ear.
[[nodiscard]] bool wait_for_ring(int ear) noexcept;

/// Hears many bells. Their counters stay as they are: each ring is one event, and those that come
/// before it was told of are one with it.
class BellBoard {
 public:
  /// So many at most are told of at once.
  static constexpr std::size_t kAtOnce = 64;
  using Heard = std::array<std::uint32_t, kAtOnce>;

  /// Empty when the process is out of descriptors.
  [[nodiscard]] static std::optional<BellBoard> create() noexcept;
  /// One that was rung before it was added is told of, too. False: the kernel has no room for it.
  [[nodiscard]] bool add(int bell, std::uint32_t id) noexcept;
  /// Before it is closed: the other side keeps it open, and it would be heard on.
  void remove(int bell) noexcept;
  /// One that was added is not told of until unmute(), and then if its counter is not 0.
  void mute(int bell, std::uint32_t id) noexcept;
  void unmute(int bell, std::uint32_t id) noexcept;
  /// The ids of those rung since they were last told of, each once. Waits at most `wait_ms` for the
  /// first one, for ever with -1; may return early.
  [[nodiscard]] std::span<const std::uint32_t> heard(Heard& room, int wait_ms = 0) noexcept;
  /// Readable while there is one to tell of.
  [[nodiscard]] int fd() const noexcept { return poller_.get(); }

 private:
  explicit BellBoard(UniqueFd poller) noexcept : poller_(std::move(poller)) {}
  UniqueFd poller_;
};

}  // namespace temporal::ipc
