// SPDX-License-Identifier: MIT
// For activities that take memory together with processes that they start.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace temporal::test {

/// Of its own, and as many helpers that hold as much, all at the same time. How many helpers could.
inline int hold_memory(int mib, int helpers) {
  const auto take = [mib] { return std::vector<char>(static_cast<std::size_t>(mib) << 20, 'm'); };
  std::array<int, 2> over{}, taken{};
  if (::pipe(over.data()) != 0 || ::pipe(taken.data()) != 0) throw std::runtime_error("no pipe");
  for (int i = 0; i < helpers; ++i) {
    if (::fork() != 0) continue;
    ::close(over[1]);
    const auto memory = take();
    char byte = memory.back();
    ::_exit(::write(taken[1], &byte, 1) == 1 && ::read(over[0], &byte, 1) == 0 ? 0 : 1);
  }
  const auto memory = take();
  ::close(taken[1]);
  int could = 0;
  for (char byte = 0; could < helpers && ::read(taken[0], &byte, 1) == 1;) ++could;
  for (const int end : {taken[0], over[0], over[1]}) ::close(end);
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  return memory.back() == 'm' ? could : -1;
}

}  // namespace temporal::test
