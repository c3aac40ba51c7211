// SPDX-License-Identifier: MIT
// A pool as the benches of it make one: the programs are those that tools/bench names.
#pragma once

#include <cstdlib>
#include <iostream>

#include "supervisor/children/child_pool.hpp"

namespace temporal::bench {

/// What is wrong is said on stderr, beside the figures.
class Complaints final : public Logger {
 public:
  /// `lowest`: a bench that kills children does not want to hear of each.
  explicit Complaints(LogLevel lowest = LogLevel::warn) : lowest_(lowest) {}

 private:
  void write(LogLevel level, std::string_view message, const LogFields& fields) override {
    if (level >= lowest_) std::cerr << message << " " << fields << "\n";
  }
  LogLevel lowest_;
};

/// `module`: the variable that names it.
inline supervisor::children::PoolOptions pool_options(int children, int nice, const char* module) {
  supervisor::children::PoolOptions options;
  options.children = children;
  options.child.nice = nice;
  options.program.executable = std::getenv("TEMPORAL_CHILD");
  options.program.modules = {std::getenv(module)};
  return options;
}

}  // namespace temporal::bench
