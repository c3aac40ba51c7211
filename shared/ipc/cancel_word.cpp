// SPDX-License-Identifier: MIT
#include "shared/ipc/cancel_word.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <ctime>

namespace temporal::ipc {
namespace {

// The raw calls: std::atomic::wait uses private futexes, which do not reach another process.
const std::uint32_t* address(const SharedNumber& word) noexcept {
  static_assert(sizeof(SharedNumber) == sizeof(std::uint32_t));
  return reinterpret_cast<const std::uint32_t*>(&word);
}

void wake_all(const SharedNumber& word) noexcept {
  ::syscall(SYS_futex, address(word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

/// Until the word is no longer `seen`, or the monotonic clock passes `until`; may return early.
void wait_while(const SharedNumber& word, std::uint32_t seen, const timespec& until) noexcept {
  ::syscall(SYS_futex, address(word), FUTEX_WAIT_BITSET, seen, &until, nullptr,
            FUTEX_BITSET_MATCH_ANY);
}

/// Looks at the word, and again at each change of it, at most for `timeout`.
template <class Holds>
bool wait_until_true(const SharedNumber& word, std::chrono::nanoseconds timeout,
                     Holds holds) noexcept {
  using Clock = std::chrono::steady_clock;
  // Also keeps the sum below from overflowing.
  auto longest = std::chrono::hours(24 * 365);
  auto end = Clock::now() + std::min<std::chrono::nanoseconds>(timeout, longest);
  auto since_boot = std::chrono::duration_cast<std::chrono::nanoseconds>(end.time_since_epoch());
  timespec until{static_cast<time_t>(since_boot.count() / 1'000'000'000),
                 static_cast<long>(since_boot.count() % 1'000'000'000)};
  for (;;) {
    std::uint32_t seen = word.load();
    if (holds(seen)) return true;
    if (Clock::now() >= end) return false;
    wait_while(word, seen, until);
  }
}

}  // namespace

void CancelWriter::begin(std::uint64_t task) noexcept {
  word_ = static_cast<std::uint32_t>(task << 8);
  shared_->store(word_);
}

void CancelWriter::add(CancelReasons reasons) noexcept {
  std::uint32_t word = word_ | reasons;
  if (word == word_) return;
  word_ = word;
  shared_->store(word_);
  wake_all(*shared_);
}

CancelReasons CancelReader::wait(std::chrono::nanoseconds timeout) const noexcept {
  CancelReasons found = 0;
  wait_until_true(*shared_, timeout, [&](std::uint32_t word) { return (found = of(word)) != 0; });
  return found;
}

void raise_notice(SharedNumber& word) noexcept {
  word.store(1);
  wake_all(word);
}

bool wait_notice(const SharedNumber& word, std::chrono::nanoseconds timeout) noexcept {
  return wait_until_true(word, timeout, [](std::uint32_t raised) { return raised != 0; });
}

}  // namespace temporal::ipc
