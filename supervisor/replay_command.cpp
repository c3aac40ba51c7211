// SPDX-License-Identifier: MIT
#include "supervisor/replay_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/in_order.hpp"
#include "temporal/client.hpp"
#include "temporal/history.hpp"
#include "temporal/replayer.hpp"

namespace fs = std::filesystem;

namespace temporal::supervisor {

namespace {

// Where histories come from. What cannot be read throws an exception that says why.
struct Source {
  std::string name;
  std::function<std::vector<History>()> load;
};

struct Report {
  std::string text;     // for stdout
  std::string problem;  // for stderr
  int code = kExitStopped;
  std::size_t histories = 0;
  std::size_t mismatches = 0;
  std::size_t events = 0;
};

Report replay_source(const Replayer& replayer, const Source& source) {
  Report report;
  try {
    for (const auto& history : source.load()) {
      const auto result = replayer.replay(history);
      ++report.histories;
      report.events += history.size();
      if (result.ok) {
        report.text +=
            "replayed  " + source.name + "  " + std::to_string(history.size()) + " events\n";
      } else {
        report.text += "MISMATCH  " + source.name + "  " + result.message + "\n";
        ++report.mismatches;
        report.code = kExitFatal;
      }
    }
  } catch (const std::exception& error) {
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
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file(ignored) &&
          (entry.path().extension() == ".json" || entry.path().extension() == ".bin"))
        found.push_back(entry.path());
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::shared_ptr<Client> connect(const Options& options) {
  return std::make_shared<Client>(Client::connect({.address = options.address,
                                                   .name_space = options.name_space,
                                                   .identity = options.identity,
                                                   .connect_timeout = options.connect_timeout}));
}

Source fetched(const std::shared_ptr<Client>& client, std::string id, const std::string& run_id) {
  auto name = run_id.empty() ? id : id + "/" + run_id;
  return {std::move(name), [client, id = std::move(id), run_id] {
            return std::vector<History>{client->handle(id, run_id).fetch_history()};
          }};
}

// The queue's name as a text of the server's list filter.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

std::vector<Source> sources_of(const Options& options) {
  std::vector<Source> sources;
  for (const auto& path : files_of(options.histories))
    sources.push_back({path.string(), [path] { return History::load(path); }});
  if (!options.replay_workflow_id.empty()) {
    sources.push_back(fetched(connect(options), options.replay_workflow_id, options.replay_run_id));
  } else if (options.histories.empty()) {
    const auto client = connect(options);
    for (auto& run : client->list("TaskQueue = " + quoted(options.task_queue),
                                  static_cast<std::size_t>(options.replay_limit)))
      sources.push_back(fetched(client, std::move(run.id), run.run_id));
  }
  return sources;
}

std::string nothing_found(const Options& options) {
  if (!options.histories.empty()) return "there is no history (*.json, *.bin) in the folders named";
  return "the server at " + options.address + " knows no workflow of task queue '" +
         options.task_queue + "' in namespace '" + options.name_space + "'";
}

// Prints as it goes.
Report replay_sources(const Replayer& replayer, const std::vector<Source>& sources, int jobs,
                      bool fail_fast) {
  const bool progress = ::isatty(STDERR_FILENO) == 1;
  Report total;
  std::size_t done = 0;
  auto make = [&](std::size_t i) { return replay_source(replayer, sources[i]); };
  auto take = [&](const Report& report) {
    if (progress) std::cerr << "\r\x1b[K";
    std::cout << report.text << std::flush;
    if (!report.problem.empty()) std::cerr << "temporal-supervisor: " << report.problem << "\n";
    total.code = std::max(total.code, report.code);
    total.histories += report.histories;
    total.mismatches += report.mismatches;
    total.events += report.events;
    if (fail_fast && report.code != kExitStopped) return false;
    if (progress) std::cerr << "replayed " << ++done << " of " << sources.size() << std::flush;
    return true;
  };
  in_order(sources.size(), static_cast<std::size_t>(jobs > 0 ? jobs : usable_cores()), make, take);
  if (progress) std::cerr << "\r\x1b[K";
  return total;
}

std::string statistics(const Report& total, std::chrono::duration<double> took) {
  std::ostringstream line;
  line.precision(3);
  line << std::fixed << total.histories << " histories, " << total.mismatches << " mismatches, "
       << total.events << " events, " << took.count() << " s, "
       << static_cast<long>(static_cast<double>(total.events) / took.count()) << " events/s\n";
  return line.str();
}

int refused(const std::string& why, ExitCode code) {
  std::cerr << "temporal-supervisor: " << why << "\n";
  return code;
}

}  // namespace

int replay_command(const Options& options, std::span<const ModuleFunction> own_modules) {
  std::unique_ptr<Replayer> replayer;
  try {
    replayer = std::make_unique<Replayer>(
        ReplayerOptions{.modules = options.modules,
                        .own_modules = {own_modules.begin(), own_modules.end()},
                        .header_codec = options.header_codec});
  } catch (const std::exception& error) {
    return refused(error.what(), kExitModule);
  }
  std::vector<Source> sources;
  try {
    sources = sources_of(options);
  } catch (const ClientError& error) {
    return refused(error.what(), kExitUnreachable);
  } catch (const fs::filesystem_error& error) {
    return refused(
        "a folder below " + error.path1().string() + " cannot be read: " + error.code().message(),
        kExitUsage);
  }
  if (sources.empty()) return refused(nothing_found(options), kExitUsage);
  const auto begun = std::chrono::steady_clock::now();
  const auto total = replay_sources(*replayer, sources, options.replay_jobs, options.fail_fast);
  if (options.replay_stats)
    std::cout << statistics(total, std::chrono::steady_clock::now() - begun);
  if (!std::cout.flush()) return refused("the report could not be written", kExitFatal);
  return total.code;
}

}  // namespace temporal::supervisor
