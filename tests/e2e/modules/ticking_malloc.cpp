// SPDX-License-Identifier: MIT
// An allocator that looks at the clock now and then, as those do that give memory back after a while.
#include <atomic>
#include <cstddef>
#include <ctime>

extern "C" void* __libc_malloc(std::size_t size);

extern "C" [[gnu::visibility("default")]] void* malloc(std::size_t size) {
  constexpr unsigned kTick = 64;
  static std::atomic<unsigned> calls = 0;
  if (++calls % kTick == 0) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
  }
  return __libc_malloc(size);
}
