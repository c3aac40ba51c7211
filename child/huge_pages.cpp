// SPDX-License-Identifier: MIT
#include "child/huge_pages.hpp"

#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace temporal::child {
namespace {

constexpr int kCollapse = 25;  // MADV_COLLAPSE, which this system's headers may not know
constexpr std::uintptr_t kHugePage = 2 << 20;
constexpr std::uintptr_t kWorthIt = 4 * kHugePage;
constexpr std::uintptr_t kMostUnused = 16;  // one part of so many
constexpr int kFailuresAllowed = 8;         // in a row
constexpr auto kLongest = std::chrono::seconds(1);

using Clock = std::chrono::steady_clock;

struct Mapping {
  std::uintptr_t begin = 0, end = 0;
};

// Anonymous, writable, private, and as good as full.
std::vector<Mapping> large_mappings() {
  std::vector<Mapping> found;
  std::ifstream smaps("/proc/self/smaps");
  Mapping current;
  bool anonymous = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long long begin = 0, end = 0, inode = 0, resident = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %4s %*x %*x:%*x %llu", &begin, &end, rights, &inode) ==
        4) {
      current = {begin, end};
      anonymous = inode == 0 && std::string_view(rights) == "rw-p";
    } else if (std::sscanf(line.c_str(), "Rss: %llu kB", &resident) == 1) {
      const auto size = current.end - current.begin;
      if (anonymous && size >= kWorthIt && (resident << 10) >= size - size / kMostUnused)
        found.push_back(current);
    }
  }
  return found;
}

// MADV_COLLAPSE does not ask: whoever switched huge pages off means these, too.
bool switched_off() {
  std::string modes;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), modes);
  return modes.find("[never]") != std::string::npos;
}

}  // namespace

void use_huge_pages() {
  if (switched_off()) return;
  const auto give_up = Clock::now() + kLongest;
  int failures = 0;
  for (const auto& [begin, end] : large_mappings()) {
    const auto first = (begin + kHugePage - 1) / kHugePage * kHugePage;
    const auto last = end / kHugePage * kHugePage;
    // One by one: where memory is too scattered for one of them, the next may do.
    for (auto page = first; page < last; page += kHugePage) {
      const bool made = ::madvise(reinterpret_cast<void*>(page), kHugePage, kCollapse) == 0;
      failures = made ? 0 : failures + 1;
      if (failures >= kFailuresAllowed || Clock::now() >= give_up) return;
    }
  }
}

}  // namespace temporal::child
