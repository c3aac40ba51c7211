// SPDX-License-Identifier: MIT
// How often an activity has taken its process with it, on this worker. The server knows attempts, not how each of them ended.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

namespace temporal::supervisor {

/// Thread rule: core loop only.
class CrashCounts {
 public:
  /// `most`: activities that are remembered; beyond it the one that crashed first is forgotten.
  explicit CrashCounts(std::size_t most = 10'000) : most_(most) {}

  /// Counts one more crash of that activity execution; returns how many there were.
  int add(const std::string& activity) {
    const auto [found, is_new] = counts_.try_emplace(activity, 0);
    if (is_new) order_.push_back(activity);
    const int count = ++found->second;
    while (counts_.size() > most_) {
      counts_.erase(order_.front());
      order_.pop_front();
    }
    return count;
  }

 private:
  std::size_t most_;
  std::unordered_map<std::string, int> counts_;
  std::deque<std::string> order_;
};

}  // namespace temporal::supervisor
