// SPDX-License-Identifier: MIT
// Groups of children: a queue cannot be asked for one activity type, so those that are to wait for each other only have a queue of
// their own, served by a worker of their own.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace temporal::supervisor {

struct Options;

struct ChildGroup {
  std::string name;
  int children = 0;
  int children_max = 0;  ///< as --children-max; 0: no more than `children`
  std::string task_queue;
  std::vector<int> cores{};             ///< empty: as the worker's other children
  std::size_t memory = 0;               ///< as --child-memory; 0: as the worker's
  std::optional<int> nice{};            ///< as --child-nice; none: as the worker's
  std::optional<bool> exec_children{};  ///< as --child-start; none: as the worker's
};

/// `NAME=N,queue=QUEUE[,max=N][,cores=0-3+6][,memory=SIZE][,nice=N][,start=fork|exec]`. Throws
/// std::invalid_argument that says what is wrong with it.
[[nodiscard]] ChildGroup child_group(const std::string& text);

/// `0-3+6` or `0-3,6`, ascending, each once. Throws std::invalid_argument.
[[nodiscard]] std::vector<int> core_list(const std::string& text);

/// The worker itself, then one for each of its groups, which serves the activities that run in children and nothing else. Throws
/// std::invalid_argument for a queue that two of them would serve.
[[nodiscard]] std::vector<Options> with_groups(const Options& worker);

}  // namespace temporal::supervisor
