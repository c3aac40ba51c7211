// SPDX-License-Identifier: MIT
// A cgroup with a limit of its own, for this process and what it starts from now on.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "shared/kernel_file.hpp"

namespace temporal::supervisor::children::torture {

class MemoryGroup {
 public:
  /// Nothing where none may be made.
  static std::optional<MemoryGroup> enter(std::size_t bytes) {
    for (const bool first_version : {true, false}) {
      const auto from = own(first_version);
      if (!from) continue;
      // In version 2 it is not below its own, where others are.
      MemoryGroup group(*from, first_version ? *from : Path("/sys/fs/cgroup"));
      if (group.join(first_version, bytes)) return group;
    }
    return std::nullopt;
  }
  MemoryGroup(MemoryGroup&& other) noexcept
      : from_(std::move(other.from_)), folder_(std::exchange(other.folder_, {})) {}
  MemoryGroup& operator=(MemoryGroup&&) = delete;
  ~MemoryGroup() {
    if (folder_.empty()) return;
    (void)write(from_ / "cgroup.procs", std::to_string(::getpid()));
    std::error_code ignored;
    std::filesystem::remove(folder_, ignored);
  }

 private:
  using Path = std::filesystem::path;

  MemoryGroup(Path from, const Path& around)
      : from_(std::move(from)), folder_(around / ("torture-" + std::to_string(::getpid()))) {}

  static bool write(const Path& file, const std::string& text) {
    return !write_kernel_file(file, text);
  }

  static std::optional<Path> own(bool first_version) {
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
      const auto path = line.rfind(':');
      const bool wanted = first_version ? line.find(":memory:") != std::string::npos
                                        : line.find("::") != std::string::npos;
      const Path root = first_version ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
      const auto folder = root / Path(line.substr(path + 1)).relative_path();
      if (wanted && std::filesystem::exists(folder / "cgroup.procs")) return folder;
    }
    return std::nullopt;
  }

  bool join(bool first_version, std::size_t bytes) {
    std::error_code error;
    if (!first_version) (void)write(folder_.parent_path() / "cgroup.subtree_control", "+memory");
    if (!std::filesystem::create_directory(folder_, error)) return false;
    const auto limit = std::to_string(bytes);
    const auto inside = [&] { return write(folder_ / "cgroup.procs", std::to_string(::getpid())); };
    if (first_version) {
      const bool bound = write(folder_ / "memory.limit_in_bytes", limit);
      (void)write(folder_ / "memory.memsw.limit_in_bytes", limit);
      return bound && inside();
    }
    (void)write(folder_ / "memory.swap.max", "0");
    return write(folder_ / "memory.max", limit) && inside();
  }

  Path from_, folder_;
};

}  // namespace temporal::supervisor::children::torture
