// SPDX-License-Identifier: MIT
#include "child/cgroup.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <system_error>

#include "shared/kernel_file.hpp"

namespace temporal::child {
namespace {

std::size_t number_in(const std::filesystem::path& file) {
  std::size_t number = 0;
  std::ifstream(file) >> number;
  return number;
}

// That are cached and can be read again: what is yet to be written cannot go at once.
std::size_t bytes_of_files(const std::filesystem::path& cgroup) {
  std::ifstream statistics(cgroup / "memory.stat");
  std::size_t cached = 0, unwritten = 0;
  std::string name;
  for (std::size_t bytes = 0; statistics >> name >> bytes;) {
    if (name == "active_file" || name == "inactive_file") cached += bytes;
    if (name == "file_dirty" || name == "file_writeback") unwritten += bytes;
  }
  return cached - std::min(cached, unwritten);
}

}  // namespace

std::string enter_cgroup(const std::filesystem::path& folder) {
  std::error_code error;
  if (::mkdir(folder.c_str(), 0755) != 0) error = {errno, std::system_category()};
  // A kernel before 4.19 does not know it: then the largest is killed, and nobody else.
  if (!error) (void)write_kernel_file(folder / "memory.oom.group", "1");
  if (!error) error = write_kernel_file(folder / "cgroup.procs", "0");
  if (!error) return {};
  return "a child cannot make and enter its cgroup " + folder.string() + ": " + error.message() +
         "; --child-cgroup off does without";
}

bool limit_memory(const std::filesystem::path& cgroup, std::size_t bytes) {
  std::string limit = "max";
  if (bytes > 0) {
    const auto all = number_in(cgroup / "memory.current");
    const auto swapped = number_in(cgroup / "memory.swap.current");
    const auto held = all - std::min(all, bytes_of_files(cgroup)) + swapped;
    if (bytes < std::numeric_limits<std::size_t>::max() - held)
      limit = std::to_string(held + bytes);
  }
  // Where the kernel does not count swap there is no such file.
  (void)write_kernel_file(cgroup / "memory.swap.max", bytes > 0 ? "0" : "max");
  return !write_kernel_file(cgroup / "memory.max", limit);
}

}  // namespace temporal::child
