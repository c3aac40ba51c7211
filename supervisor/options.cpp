// SPDX-License-Identifier: MIT
#include "supervisor/options.hpp"

#include <CLI/CLI.hpp>
#include <stdexcept>
#include <utility>

#include "supervisor/child_groups.hpp"
#include "supervisor/option_parser.hpp"
#include "supervisor/worker_file.hpp"

namespace temporal::supervisor {

namespace {

// Whatever else was said of the two.
void heed_debug(Options& options) {
  if (!options.debug) return;
  options.deadlock_timeout = {};
  options.determinism_guard = temporal::DeterminismGuard::off;
}

// The words of the command line count more than those of the file, which are only about what is not
// said there.
std::vector<Options> workers_of(const Options& options, const OptionParser& parser, int argc,
                                const char* const* argv, bool own_modules) {
  std::vector<Options> workers;
  for (auto& words : read_worker_file(options.worker_file, parser.file_rules())) {
    Options worker = default_options();
    OptionParser of_worker(worker, own_modules);
    words.insert(words.end(), argv + 1, argv + argc);
    of_worker.parse(std::move(words));
    heed_debug(worker);
    for (auto& one : with_groups(worker)) {
      check_options(one, own_modules);
      for (const auto& other : workers)
        if (other.task_queue == one.task_queue && other.name_space == one.name_space)
          throw CLI::ValidationError(options.worker_file.string(),
                                     "two workers serve task queue '" + one.task_queue +
                                         "' of namespace '" + one.name_space +
                                         "'; make it one, with the modules of both");
      workers.push_back(std::move(one));
    }
  }
  return workers;
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv, bool own_modules) {
  ParsedOptions parsed{.options = default_options()};
  Options& options = parsed.options;
  OptionParser parser(options, own_modules);
  try {
    parser.parse(argc, argv);
    heed_debug(options);
    if (options.worker_file.empty()) {
      parsed.workers = with_groups(options);
      for (const auto& worker : parsed.workers) check_options(worker, own_modules);
    } else {
      parsed.workers = workers_of(options, parser, argc, argv, own_modules);
      parsed.options = parsed.workers.front();
    }
  } catch (const std::invalid_argument& error) {
    parsed.exit = true;
    parsed.exit_code = OptionParser::usage(error.what());
  } catch (const WorkerFileError& error) {
    parsed.exit = true;
    parsed.exit_code = OptionParser::usage(error.what());
  } catch (const CLI::ParseError& error) {
    parsed.exit = true;
    parsed.exit_code = parser.report(error);
  }
  return parsed;
}

}  // namespace temporal::supervisor
