// SPDX-License-Identifier: MIT
// A cgroup (version 2) of a test's own, with the memory controller; gone with it. Few machines that build have one to give:
// `tools/vm` does.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "shared/kernel_file.hpp"

namespace temporal::test {

class CgroupFolder {
 public:
  /// Nothing where none may be made.
  static std::optional<CgroupFolder> make() {
    const std::filesystem::path root = "/sys/fs/cgroup";
    if (write_kernel_file(root / "cgroup.subtree_control", "+memory")) return std::nullopt;
    auto name = (root / "temporal-test-XXXXXX").string();
    if (!::mkdtemp(name.data()) || ::chmod(name.c_str(), 0755) != 0) return std::nullopt;
    return CgroupFolder(name);
  }
  CgroupFolder(CgroupFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  CgroupFolder& operator=(CgroupFolder&&) = delete;
  ~CgroupFolder() {
    if (!path_.empty())
      CHECK_MESSAGE(::rmdir(path_.c_str()) == 0, "something is left in " << path_);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] int folders() const { return folders_in(path_); }
  static int folders_in(const std::filesystem::path& folder) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      count += entry.is_directory();
    return count;
  }

 private:
  explicit CgroupFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace temporal::test
