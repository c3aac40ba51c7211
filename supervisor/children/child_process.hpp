// SPDX-License-Identifier: MIT
// What the places of one child process have in common: what it prints, when it is to make room, and one end, for which the task of
// one place may be to blame. Usually there is one place; --tasks-per-child makes them more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/children/child_cgroup.hpp"
#include "supervisor/children/lifespan.hpp"
#include "supervisor/children/outcome.hpp"
#include "supervisor/children/output.hpp"

namespace temporal::supervisor::children {

class Child;

struct ChildProcess {
  /// Everybody ends with it. The first who is blamed is the culprit.
  void blame(Culprit one) {
    if (!culprit) culprit.emplace(std::move(one));
  }

  std::uint32_t first;  ///< the incarnation of its first place, by which its zygote knows it
  std::size_t made;     ///< so many places at the start
  std::shared_ptr<Output> output;
  Lifespan lifespan;
  std::filesystem::path cgroup{};  ///< its own, until it has ended; empty: it shares the worker's
  std::vector<Child*> places{};    ///< that are there
  std::string_view left_for{};  ///< why each place leaves as soon as it is idle; empty: none does
  std::optional<Culprit> culprit{};       ///< nobody: it was none of theirs
  std::optional<std::uint32_t> teller{};  ///< the one place that tells its owner how it ended
  /// Of a thread that no place's task is known to run on.
  std::optional<ipc::Crash> strangers_crash{};
  std::optional<CgroupMemory> memory{};  ///< of its cgroup, once it has ended
  std::optional<bool> out_of_memory{};   ///< once it was asked for
};

}  // namespace temporal::supervisor::children
