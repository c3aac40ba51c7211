// SPDX-License-Identifier: MIT
#include "shared/alternate_stack.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

namespace temporal {

namespace {

// The unwinder takes a few KiB, the kernel's frame with all vector registers a few more.
constexpr std::size_t kSize = 64 * 1024;
std::size_t guard() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

AlternateStack::AlternateStack() noexcept {
  void* memory = ::mmap(nullptr, guard() + kSize, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  memory_ = static_cast<std::byte*>(memory);
  ::mprotect(memory_, guard(), PROT_NONE);
  stack_t stack{};
  stack.ss_sp = memory_ + guard();
  stack.ss_size = kSize;
  if (::sigaltstack(&stack, &before_) != 0) {
    ::munmap(memory_, guard() + kSize);
    memory_ = nullptr;
  }
}

AlternateStack::~AlternateStack() {
  if (!memory_) return;
  // Sanitizers give each thread one of their own.
  ::sigaltstack(&before_, nullptr);
  ::munmap(memory_, guard() + kSize);
}

}  // namespace temporal
