// SPDX-License-Identifier: MIT
#include "supervisor/children/child_cgroup.hpp"

#include <fstream>
#include <string>

namespace temporal::supervisor::children {

std::optional<CgroupMemory> memory_of(const std::filesystem::path& cgroup) {
  std::ifstream events(cgroup / "memory.events.local");
  if (!events) return std::nullopt;
  CgroupMemory memory;
  std::string name;
  for (std::uint64_t count = 0; events >> name >> count;) {
    if (name == "oom_kill") memory.killed = count > 0;
    if (name == "oom") memory.reached = count > 0;
  }
  std::ifstream peak(cgroup / "memory.peak");
  if (std::int64_t bytes = 0; peak >> bytes) memory.peak_kb = bytes / 1024;
  return memory;
}

}  // namespace temporal::supervisor::children
