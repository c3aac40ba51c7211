// SPDX-License-Identifier: MIT
#include "supervisor/children/hearing.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace temporal::supervisor::children {

namespace {
// Between two looks: time in which nobody looked, because this process stood still itself, does not count.
constexpr Hearing::Clock::duration kLongestStep = std::chrono::milliseconds(200);
}  // namespace

Seen look_at(pid_t pid, pid_t thread) {
  Seen seen;
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const auto name_ends = stat.rfind(')');
  if (name_ends == std::string::npos) return seen;
  // state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime
  std::istringstream fields(stat.substr(name_ends + 1));
  fields >> seen.state;
  std::string skipped;
  for (int i = 0; i < 10; ++i) fields >> skipped;
  std::uint64_t user = 0, system = 0;
  fields >> user >> system;
  seen.cpu_ticks = user + system;
  return seen;
}

bool Hearing::unheard(Seen seen, Clock::time_point now) {
  const bool worked = seen.state == 'R' && seen.cpu_ticks > cpu_ticks_;
  if (last_ && (seen.state == 'S' || worked)) deaf_for_ += std::min(now - *last_, kLongestStep);
  last_ = now;
  cpu_ticks_ = seen.cpu_ticks;
  return deaf_for_ >= patience_;
}

}  // namespace temporal::supervisor::children
