// SPDX-License-Identifier: MIT
// A pool at one moment, for who watches it: ps, top.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace temporal::supervisor::children {

struct ChildView {
  pid_t pid = 0;  ///< 0: the zygote has not told it yet
  std::uint32_t incarnation = 0;
  std::uint64_t generation = 0;  ///< of its zygote: 1 is the first
  std::string_view state{};      ///< starting, idle, busy, leaving or killing
  std::chrono::milliseconds age{};
  std::uint64_t tasks = 0;      ///< that it was given, the one in hand included
  std::string activity_type{};  ///< of the task in hand; empty: none
  bool offloaded = false;       ///< that task was handed over, not polled for
  std::chrono::milliseconds task_age{};
  std::uint64_t heartbeats = 0;  ///< of that task, by the child's own claim
};

/// The last child that nobody here had told to end.
struct LastCrash {
  pid_t pid = 0;
  std::string how{};            ///< "killed by SIGSEGV"
  std::string activity_type{};  ///< of the task it had in hand; empty: none
  std::chrono::steady_clock::time_point when{};
};

struct PoolView {
  pid_t zygote = 0;              ///< 0: there is none just now
  std::uint64_t generation = 0;  ///< of that zygote
  int wanted = 0;                ///< children there should be for polled tasks
  bool degraded = false;
  std::vector<ChildView> children{};  ///< in the order of their start
  std::optional<LastCrash> last_crash{};
};

}  // namespace temporal::supervisor::children
