// SPDX-License-Identifier: MIT
// A worker's settings as a TOML file: each flag is a key (`--child-nice 5` is `child_nice = 5`), and [[worker]] blocks are the
// task queues that one process serves. What is read becomes command-line words, so that a value means the same, and is refused
// with the same sentence, wherever it was written.
#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace temporal::supervisor {

/// what() is a sentence with the file, line and column.
class WorkerFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct WorkerFileRules {
  std::vector<std::string> flags{};  ///< that may be keys, as "--task-queue"
  /// Those that concern the whole process: they stand above the blocks.
  std::vector<std::string> process_flags{};
  /// Was set where it counts more: on the command line, in the environment.
  std::function<bool(const std::string& flag)> is_set{};
};

/// The words of each worker, `--flag=value`; at least one worker. Keys above the blocks count for all of them, as does a sole
/// [worker]. Modules are looked for beside the file. Throws WorkerFileError: no such file, no TOML, an unknown key (with the
/// nearest known one), a value that is no text, number, truth value or list of those.
[[nodiscard]] std::vector<std::vector<std::string>> read_worker_file(
    const std::filesystem::path& path, const WorkerFileRules& rules);

}  // namespace temporal::supervisor
