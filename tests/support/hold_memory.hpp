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

/// In so many helpers each, and half as much of its own, so that it is not the largest; all at the same time. How many helpers could.
inline int hold_memory(int mib, int helpers) {
  const auto take = [](int some) {
    return std::vector<char>(static_cast<std::size_t>(some) << 20, 'm');
  };
  std::array<int, 2> over{}, taken{};
  if (::pipe(over.data()) != 0 || ::pipe(taken.data()) != 0) throw std::runtime_error("no pipe");
  for (int i = 0; i < helpers; ++i) {
    if (::fork() != 0) continue;
    ::close(over[1]);
    const auto memory = take(mib);
    char byte = memory.back();
    ::_exit(::write(taken[1], &byte, 1) == 1 && ::read(over[0], &byte, 1) == 0 ? 0 : 1);
  }
  const auto memory = take(mib / 2);
  ::close(taken[1]);
  int could = 0;
  for (char byte = 0; could < helpers && ::read(taken[0], &byte, 1) == 1;) ++could;
  for (const int end : {taken[0], over[0], over[1]}) ::close(end);
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  return memory.empty() || memory.back() == 'm' ? could : -1;
}

}  // namespace temporal::test
