// SPDX-License-Identifier: MIT
#include "supervisor/children/orphans.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace temporal::supervisor::children {
namespace {

std::string next_mark() {
  static std::atomic<int> generation = 0;  // of all core loops of this process
  return std::string(Orphans::kMark) + std::to_string(::getpid()) + "-" +
         std::to_string(++generation);
}

std::ifstream open_proc(pid_t pid, const char* file) {
  return std::ifstream("/proc/" + std::to_string(pid) + "/" + file);
}

bool carries(pid_t pid, const std::string& mark) {
  auto file = open_proc(pid, "environ");
  for (std::string variable; std::getline(file, variable, '\0');)
    if (variable == mark) return true;
  return false;
}

bool is_dead_child(pid_t pid) {
  std::string stat;
  std::getline(open_proc(pid, "stat"), stat);
  return stat.find(" (temporal-child) Z ") != std::string::npos;
}

}  // namespace

std::vector<pid_t> own_children() {
  std::vector<pid_t> children;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream file(thread.path() / "children");
    for (pid_t pid; file >> pid;) children.push_back(pid);
  }
  return children;
}

Orphans::Orphans() : mark_(next_mark()) {}

bool Orphans::left_by_it(pid_t pid) const {
  return killed_.contains(pid) || groups_.contains(::getpgid(pid)) || carries(pid, mark_) ||
         is_dead_child(pid);
}

int Orphans::kill(const std::set<pid_t>& spared) {
  int left = 0;
  for (pid_t pid : own_children()) {
    if (spared.contains(pid) || !left_by_it(pid)) continue;
    killed_.insert(pid);  // from now on it is known even when it is dead
    ::kill(pid, SIGKILL);
    if (::waitpid(pid, nullptr, WNOHANG) == pid) {
      killed_.erase(pid);
    } else {
      ++left;
    }
  }
  return left;
}

}  // namespace temporal::supervisor::children
