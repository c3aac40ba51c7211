// SPDX-License-Identifier: MIT
// The command line: each flag with its help line, in the order in which --help lists them. option_parser.cpp has the verbs and
// what concerns the process, option_parser_work.cpp what concerns a task queue.
#pragma once

#include <string>
#include <vector>

#include "supervisor/flags.hpp"
#include "supervisor/options.hpp"
#include "supervisor/worker_file.hpp"

namespace temporal::supervisor {

class OptionParser : private Flags {
 public:
  /// What is parsed goes to `options`, which must outlive this. `own_modules`: --module is not asked for.
  OptionParser(Options& options, bool own_modules);

  /// Both throw CLI::ParseError.
  void parse(int argc, const char* const* argv) { app_.parse(argc, argv); }
  void parse(std::vector<std::string> words);
  /// Of the command line and environment that were parsed.
  [[nodiscard]] WorkerFileRules file_rules() const;
  /// Each says it on stderr and returns the exit code.
  int report(const CLI::ParseError& error);
  static int usage(const std::string& sentence);

 private:
  void add_lint();
  void add_server();
  void add_work();
  void add_cache();
  void add_kinds();
  void add_versioning();
  void add_activities();
  void add_lifecycle();
  void add_metrics();
  void add_children();

  Options& options_;
};

}  // namespace temporal::supervisor
