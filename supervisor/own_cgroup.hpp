// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace temporal::supervisor {

/// Where this process stands in the tree of cgroups (version 2), as the kernel names it, "/..."; "/" where there is no such tree.
[[nodiscard]] inline std::filesystem::path own_cgroup_name() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::/")) return line.substr(3);
  return "/";
}

}  // namespace temporal::supervisor
