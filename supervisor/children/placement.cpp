// SPDX-License-Identifier: MIT
#include "supervisor/children/placement.hpp"

#include <sched.h>

#include <algorithm>

namespace temporal::supervisor::children {

std::vector<int> allowed_cores() {
  // The kernel says EINVAL for a set that is smaller than its own.
  for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
    cpu_set_t* set = CPU_ALLOC(most);
    if (!set) return {};
    const auto bytes = CPU_ALLOC_SIZE(most);
    std::vector<int> cores;
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    for (int core = 0; known && core < most; ++core)
      if (CPU_ISSET_S(core, bytes, set)) cores.push_back(core);
    CPU_FREE(set);
    if (known) return cores;
  }
  return {};
}

int least_taken(std::span<const int> cores, std::span<const int> taken) {
  if (cores.empty()) return -1;
  return *std::ranges::min_element(cores, {},
                                   [taken](int core) { return std::ranges::count(taken, core); });
}

}  // namespace temporal::supervisor::children
