// SPDX-License-Identifier: MIT
#include "supervisor/children/memory_kills.hpp"

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace temporal::supervisor::children {
namespace {

namespace fs = std::filesystem;

constexpr auto kClaimedWithin = std::chrono::seconds(2);
constexpr auto kLookAgain = std::chrono::milliseconds(500);

bool names(const std::string& controllers, const std::string& wanted) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');)
    if (one == wanted) return true;
  return false;
}

std::uint64_t count_in(const fs::path& counter) {
  std::ifstream file(counter);
  std::string name;
  for (std::uint64_t number = 0; file >> name >> number;)
    if (name == "oom_kill") return number;
  return 0;
}

}  // namespace

MemoryKills::MemoryKills(const fs::path& counter) : known_(known_of(counter)) {}

std::shared_ptr<MemoryKills::Known> MemoryKills::known_of(const fs::path& counter) {
  static std::map<fs::path, std::weak_ptr<Known>> all;
  auto& one = all[counter];
  auto known = one.lock();
  if (!known) {
    known = std::make_shared<Known>(Known{.counter = counter});
    known->claimed = known->last = count_in(counter);
    one = known;
  }
  return known;
}

bool MemoryKills::claim() {
  if (count_in(known_->counter) <= known_->claimed) return false;
  ++known_->claimed;
  return true;
}

void MemoryKills::look(Clock::time_point now) {
  auto& known = *known_;
  if (known.counter.empty() || now - known.looked < kLookAgain) return;
  const bool unseen = now - known.looked >= kClaimedWithin;
  known.looked = now;
  const auto there = count_in(known.counter);
  if (there != known.last) known.changed = now;
  known.last = there;
  if (unseen || now - known.changed >= kClaimedWithin) known.claimed = there;
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

}  // namespace temporal::supervisor::children
