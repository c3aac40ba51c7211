// SPDX-License-Identifier: MIT
#include "supervisor/children/memory_kills.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace temporal::supervisor::children {
namespace {

namespace fs = std::filesystem;

constexpr auto kClaimedWithin = std::chrono::seconds(2);

bool names(const std::string& controllers, const std::string& wanted) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');)
    if (one == wanted) return true;
  return false;
}

}  // namespace

MemoryKills::MemoryKills(fs::path counter)
    : counter_(std::move(counter)), claimed_(count()), last_(claimed_) {}

bool MemoryKills::claim() {
  if (count() <= claimed_) return false;
  ++claimed_;
  return true;
}

void MemoryKills::forget_old(Clock::time_point now) {
  if (counter_.empty()) return;
  const auto there = count();
  if (there != last_) changed_ = now;
  last_ = there;
  if (now - changed_ >= kClaimedWithin) claimed_ = there;
}

// In a container its own cgroup may be mounted where the root is elsewhere.
fs::path MemoryKills::own_counter() {
  const fs::path root = "/sys/fs/cgroup";
  std::ifstream groups("/proc/self/cgroup");
  for (std::string number, controllers, group; std::getline(groups, number, ':') &&
                                               std::getline(groups, controllers, ':') &&
                                               std::getline(groups, group);) {
    const bool first_version = names(controllers, "memory");
    if (!first_version && !controllers.empty()) continue;
    const auto base = first_version ? root / "memory" : root;
    const auto* file = first_version ? "memory.oom_control" : "memory.events";
    for (const auto& folder : {base / fs::path(group).relative_path(), base}) {
      std::error_code ignored;
      if (fs::exists(folder / file, ignored)) return folder / file;
    }
  }
  return {};
}

std::uint64_t MemoryKills::count() const {
  std::ifstream file(counter_);
  std::string name;
  for (std::uint64_t number = 0; file >> name >> number;)
    if (name == "oom_kill") return number;
  return 0;
}

}  // namespace temporal::supervisor::children
