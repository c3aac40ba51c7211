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
#pragma once

#include <cstdint>
#include <optional>

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

/// A non-blocking eventfd. Both sides hold it, so the one may fill its counter: a blocking write
/// could hang the other.
[[nodiscard]] UniqueFd create_bell() noexcept;
/// False only when the descriptor is no bell. A full counter is rung already.
[[nodiscard]] bool ring(int bell) noexcept;
/// As ring(), for who must not wait for the other side: that may have filled the counter, and taken O_NONBLOCK away from both.
[[nodiscard]] bool ring_at_once(int bell) noexcept;
/// Silences it; how often it was rung, 0: it was silent. Never waits, whatever the other side did to it.
std::uint64_t silence(int bell) noexcept;
[[nodiscard]] bool is_rung(int bell) noexcept;

/// Blocks on one bell: one system call for each wait, since only new rings count.
class BellWaiter {
 public:
  /// Empty when the process is out of descriptors.
  [[nodiscard]] static std::optional<BellWaiter> create(int bell) noexcept;
  /// Until the bell was rung since the last wait. May return early; false when waiting is
  /// impossible.
  [[nodiscard]] bool wait() noexcept;
  [[nodiscard]] int fd() const noexcept { return poller_.get(); }

 private:
  explicit BellWaiter(UniqueFd poller) noexcept : poller_(std::move(poller)) {}
  UniqueFd poller_;
};

}  // namespace temporal::ipc
