// SPDX-License-Identifier: MIT
#include "supervisor/control/usage.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "supervisor/children/lifespan.hpp"

namespace temporal::supervisor::control {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

// Of a process whose places follow one another.
void copy_usage(const json& from, json& to) {
  for (const char* name : {"rss_bytes", "cpu_ms", "cpu_percent"})
    if (from.contains(name)) to[name] = from[name];
}

}  // namespace

std::optional<Usage> usage_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // A program may have brackets in its name. After it: the state, ten numbers, the time in user code, that in the kernel.
  const auto name_ends = line.rfind(')');
  if (name_ends == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(name_ends + 1));
  constexpr int kBefore = 11;
  std::string skipped;
  for (int i = 0; i < kBefore; ++i) rest >> skipped;
  std::int64_t user = 0, system = 0;
  if (!(rest >> user >> system)) return std::nullopt;
  return Usage{.rss_bytes = children::resident_bytes(pid),
               .cpu = milliseconds((user + system) * 1000 / ::sysconf(_SC_CLK_TCK))};
}

void UsageMeter::add_to(json& view) {
  add_to_one(view);
  if (!view.contains("queues")) return;
  for (auto& queue : view["queues"]) {
    if (queue.contains("pool") && queue["pool"].is_object()) add_to_one(queue["pool"]);
    if (!queue.contains("children")) continue;
    const json* before = nullptr;
    for (auto& child : queue["children"]) {
      if (before && before->value("pid", 0) == child.value("pid", 0))
        copy_usage(*before, child);
      else
        add_to_one(child);
      before = &child;
    }
  }
}

void UsageMeter::add_to_one(json& process) {
  const auto pid = process.value("pid", 0);
  if (pid <= 0) return;
  const auto usage = usage_of(pid);
  if (!usage) return;
  process["rss_bytes"] = usage->rss_bytes;
  process["cpu_ms"] = usage->cpu.count();
  const auto now = Clock::now();
  const auto last = last_.find(pid);
  if (last != last_.end() && now > last->second.when) {
    const std::chrono::duration<double, std::milli> passed = now - last->second.when;
    const double used = static_cast<double>((usage->cpu - last->second.cpu).count());
    process["cpu_percent"] = std::max(0.0, 100 * used / passed.count());
  }
  last_[pid] = {usage->cpu, now};
}

}  // namespace temporal::supervisor::control
