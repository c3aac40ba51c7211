// SPDX-License-Identifier: MIT
// A run whose code crashes the worker would crash each worker that is started in its place. What
// earlier processes left in their crash pages says which runs these are; their tasks fail here,
// instead of running, until they are tried again:
//
//  crashes in a day   1     2     3     4     …
//  tried again after  10 s  20 s  40 s  80 s  … at most 1 h
//
// counted from the latest crash, or from the start of this process when that is later.
//
// A task that ends well takes the run's pages away. Pages of other modules count for nothing: what
// was corrected is tried at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/workflow/workflow_run.hpp"

namespace temporal::supervisor {

/// Whose pages are meant. Two workers on one host share those of their queue when they run the same
/// modules, and no others: the crash of one is the other's as well.
struct CrashHistory {
  std::filesystem::path folder{};  ///< empty: nothing is known and nothing kept
  std::string name_space{};
  std::string task_queue{};
  std::string build{};  ///< differs when the code may differ
};

/// Thread rule: core loop only.
class PoisonedRuns {
 public:
  using Time = std::chrono::system_clock::time_point;

  /// Reads the pages. Those older than a day are deleted.
  explicit PoisonedRuns(CrashHistory of,
                        std::function<Time()> now = &std::chrono::system_clock::now);

  /// What the page of a crash is to know of a task, for its TaskIdentity; empty: nothing is kept.
  [[nodiscard]] std::string note(std::string_view task_token) const;

  struct Unanswered {
    std::string run_id;
    std::string task_token;
    engine::TaskFailure failure;
  };
  /// The tasks that ended with their process: nobody has failed them yet, unless they timed out.
  [[nodiscard]] std::vector<Unanswered> take_unanswered();
  /// The server has it that this run's task failed by the crash.
  void told(const std::string& run_id);

  struct Refusal {
    engine::TaskFailure failure;
    bool told = false;  ///< the server knows
  };
  /// Why a task of this run is not tried now; nothing when it is.
  [[nodiscard]] std::optional<Refusal> refuses(const std::string& run_id) const;
  /// It was tried, and did not crash.
  void absolve(const std::string& run_id);

 private:
  struct Run {
    std::vector<std::filesystem::path> pages;
    Time latest{};
    std::string crash;  // the latest one, in words
    std::vector<std::string> stack;
    bool told = false;
  };
  [[nodiscard]] std::string prefix() const;
  void read();
  [[nodiscard]] engine::TaskFailure failure_of(const Run& run, Time now) const;

  const CrashHistory of_;
  const std::function<Time()> now_;
  std::map<std::string, Run> runs_;
  std::vector<std::pair<std::string, std::string>> tokens_;  // run id, token
};

}  // namespace temporal::supervisor
