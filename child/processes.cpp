// SPDX-License-Identifier: MIT
#include "child/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <fstream>
#include <string>

#include "shared/kernel_file.hpp"

namespace temporal::child {
namespace {

// The numbers that name the entries of a folder of /proc.
std::vector<int> numbers_in(const char* folder) {
  std::vector<int> numbers;
  DIR* dir = ::opendir(folder);
  if (!dir) return numbers;
  while (const dirent* entry = ::readdir(dir)) {
    std::string_view name = entry->d_name;
    int number;
    auto [end, error] = std::from_chars(name.begin(), name.end(), number);
    if (error == std::errc{} && end == name.end() && number != ::dirfd(dir))
      numbers.push_back(number);
  }
  ::closedir(dir);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void close_between(unsigned first, unsigned last) {
  if (first > last) return;
  if (::syscall(SYS_close_range, first, last, 0) == 0) return;
  // Kernels before 5.9.
  for (int fd : numbers_in("/proc/self/fd"))
    if (static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last) ::close(fd);
}

}  // namespace

std::vector<pid_t> own_children() {
  std::ifstream file("/proc/thread-self/children");
  std::vector<pid_t> children;
  for (pid_t pid; file >> pid;) children.push_back(pid);
  return children;
}

int own_thread_count() {
  struct stat status {};
  if (::stat("/proc/self/task", &status) != 0) return 0;
  return static_cast<int>(status.st_nlink) - 2;
}

std::string other_threads() {
  std::string names;
  for (int thread : numbers_in("/proc/self/task")) {
    if (thread == ::gettid()) continue;
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/comm");
    std::string name;
    std::getline(file, name);
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

std::vector<int> open_descriptors() {
  auto fds = numbers_in("/proc/self/fd");
  fds.erase(fds.begin(), std::upper_bound(fds.begin(), fds.end(), STDERR_FILENO));
  return fds;
}

void close_all_but(const std::vector<int>& keep) {
  unsigned next = STDERR_FILENO + 1;
  for (int fd : keep) {
    if (fd < static_cast<int>(next)) continue;
    close_between(next, static_cast<unsigned>(fd) - 1);
    next = static_cast<unsigned>(fd) + 1;
  }
  close_between(next, UINT_MAX);
}

bool set_oom_score_adj(int value) {
  return !write_kernel_file("/proc/self/oom_score_adj", std::to_string(value));
}

std::optional<int> add_oom_score_adj(int more) {
  int before = 0;
  if (!(std::ifstream("/proc/self/oom_score_adj") >> before)) return std::nullopt;
  if (!set_oom_score_adj(std::min(before + more, 1000))) return std::nullopt;
  return before;
}

}  // namespace temporal::child
