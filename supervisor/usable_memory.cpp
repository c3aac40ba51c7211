// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "supervisor/options.hpp"
#include "supervisor/own_cgroup.hpp"

namespace temporal::supervisor {

namespace {

namespace fs = std::filesystem;

// Nothing is in the file, or "max": no limit.
std::size_t limit_in(const fs::path& file, std::size_t otherwise) {
  std::size_t limit = 0;
  std::ifstream stream(file);
  return stream >> limit && limit > 0 ? std::min(limit, otherwise) : otherwise;
}

}  // namespace

std::size_t usable_memory() {
  std::size_t limit = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const fs::path root = "/sys/fs/cgroup";
  // Its own, and those around it, as far as they are seen here.
  for (auto group = own_cgroup_name();; group = group.parent_path()) {
    limit = limit_in(root / group.relative_path() / "memory.max", limit);
    if (!group.has_relative_path()) break;
  }
  return limit_in(root / "memory/memory.limit_in_bytes", limit);
}

}  // namespace temporal::supervisor
