// SPDX-License-Identifier: MIT
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include "supervisor/options.hpp"

namespace temporal::supervisor {

int usable_cores() {
  cpu_set_t allowed;
  int cores = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0
                  ? CPU_COUNT(&allowed)
                  : static_cast<int>(std::thread::hardware_concurrency());
  // cgroup v2: "QUOTA PERIOD" in microseconds, or "max PERIOD".
  if (std::ifstream file("/sys/fs/cgroup/cpu.max"); file) {
    double quota = 0, period = 0;
    if (file >> quota >> period && period > 0)
      cores = std::min(cores, static_cast<int>(std::ceil(quota / period)));
  }
  return std::max(cores, 1);
}

}  // namespace temporal::supervisor
