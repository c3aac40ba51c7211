// SPDX-License-Identifier: MIT
#include "supervisor/children/lifespan.hpp"

#include <unistd.h>

#include <cmath>
#include <fstream>
#include <string>

namespace temporal::supervisor::children {
namespace {

constexpr double kJitter = 0.15;

template <class Number>
Number drawn(Number most, std::minstd_rand& random) {
  const double share = 1 - std::uniform_real_distribution<double>(0, kJitter)(random);
  return static_cast<Number>(std::ceil(static_cast<double>(most) * share));
}

}  // namespace

Lifespan::Lifespan(const Recycling& most, Clock::time_point born, std::minstd_rand& random)
    : max_tasks_(drawn(most.max_tasks, random)),
      max_rss_(drawn(most.max_rss, random)),
      ends_(most.max_age.count() > 0
                ? born + std::chrono::milliseconds(drawn(most.max_age.count(), random))
                : Clock::time_point::max()) {}

std::string_view Lifespan::over(Clock::time_point now, pid_t pid) const {
  if (max_tasks_ > 0 && tasks_ >= max_tasks_) return "tasks";
  if (now >= ends_) return "age";
  if (out_of_memory_) return "memory";
  if (worn_) return "limits";
  if (max_rss_ > 0 && resident_bytes(pid) > max_rss_) return "memory";
  return {};
}

std::size_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::size_t all = 0, resident = 0;
  if (!(file >> all >> resident)) return 0;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace temporal::supervisor::children
