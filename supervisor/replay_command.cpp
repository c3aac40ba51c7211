// SPDX-License-Identifier: MIT
#include "supervisor/replay_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "shared/module_loader.hpp"
#include "supervisor/workflow/history_loader.hpp"
#include "supervisor/workflow/replayer.hpp"

namespace fs = std::filesystem;

namespace temporal::supervisor {

namespace {

struct FileReport {
  std::string text;     // for stdout
  std::string problem;  // for stderr
  int code = kExitStopped;
  std::size_t histories = 0;
  std::size_t mismatches = 0;
  std::size_t events = 0;
};

FileReport replay_file(const Module& module, const fs::path& path) {
  FileReport report;
  try {
    for (const auto& history : engine::load_histories(path)) {
      const auto result = engine::replay(module, history);
      ++report.histories;
      report.events += static_cast<std::size_t>(history.events_size());
      if (result.ok) {
        report.text += "replayed  " + path.string() + "  " + std::to_string(history.events_size()) +
                       " events\n";
      } else {
        report.text += "MISMATCH  " + path.string() + "  " + result.message + "\n";
        ++report.mismatches;
        report.code = kExitFatal;
      }
    }
  } catch (const engine::HistoryFileError& error) {
    report.problem = error.what();
    report.code = kExitUsage;
  }
  return report;
}

// A folder stands for the histories below it.
std::vector<fs::path> files_of(const std::vector<fs::path>& named) {
  std::vector<fs::path> files;
  for (const auto& path : named) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(path, ignored))
      if (entry.is_regular_file(ignored) &&
          (entry.path().extension() == ".json" || entry.path().extension() == ".bin"))
        found.push_back(entry.path());
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

// Several threads replay, one after the other's report is printed: in the order of the files.
class Replays {
 public:
  Replays(const Module& module, std::vector<fs::path> files, bool fail_fast)
      : module_(module), files_(std::move(files)), fail_fast_(fail_fast) {}

  FileReport run(int jobs) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < jobs; ++i) threads.emplace_back([this] { work(); });
    FileReport total;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const auto report = wait_for(i);
      if (progress_) std::cerr << "\r\x1b[K";
      std::cout << report.text << std::flush;
      if (!report.problem.empty()) std::cerr << "temporal-supervisor: " << report.problem << "\n";
      total.code = std::max(total.code, report.code);
      total.histories += report.histories;
      total.mismatches += report.mismatches;
      total.events += report.events;
      if (fail_fast_ && report.code != kExitStopped) break;
      if (progress_) std::cerr << "replayed " << i + 1 << " of " << files_.size() << std::flush;
    }
    if (progress_) std::cerr << "\r\x1b[K";
    next_ = files_.size();
    return total;
  }

 private:
  void work() {
    for (auto i = next_++; i < files_.size(); i = next_++) {
      auto report = replay_file(module_, files_[i]);
      const std::lock_guard lock(mutex_);
      reports_.emplace(i, std::move(report));
      changed_.notify_one();
    }
  }
  FileReport wait_for(std::size_t index) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reports_.contains(index); });
    return std::move(reports_.extract(index).mapped());
  }

  const Module& module_;
  const std::vector<fs::path> files_;
  const bool fail_fast_;
  const bool progress_ = ::isatty(STDERR_FILENO) == 1;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, FileReport> reports_;
};

}  // namespace

int replay_command(const Options& options, std::span<const ModuleFunction> own_modules) {
  Module module;
  try {
    for (auto function : own_modules) function(module);
    for (const auto& path : options.modules) load_module(path, module);
  } catch (const std::exception& error) {
    std::cerr << "temporal-supervisor: " << error.what() << "\n";
    return kExitModule;
  }
  auto files = files_of(options.histories);
  if (files.empty()) {
    std::cerr << "temporal-supervisor: there is no history (*.json, *.bin) in the folders named\n";
    return kExitUsage;
  }
  const auto jobs = std::min<std::size_t>(
      static_cast<std::size_t>(options.replay_jobs > 0 ? options.replay_jobs : usable_cores()),
      files.size());
  const auto begun = std::chrono::steady_clock::now();
  const auto total =
      Replays(module, std::move(files), options.fail_fast).run(static_cast<int>(jobs));
  if (options.replay_stats) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::ostringstream line;
    line.precision(3);
    line << std::fixed << total.histories << " histories, " << total.mismatches << " mismatches, "
         << total.events << " events, " << took.count() << " s, "
         << static_cast<long>(static_cast<double>(total.events) / took.count()) << " events/s\n";
    std::cout << line.str();
  }
  return total.code;
}

}  // namespace temporal::supervisor
