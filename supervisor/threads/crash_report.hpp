// SPDX-License-Identifier: MIT
// A crash in a thread or loop activity, or in a workflow, ends the worker. It says so at once: what
// crashed, whose turn it was, the stack, in one line of the log; then it dies of its signal, so that
// exit status and core dump are true.
//
// The handler only writes raw facts into memory that was there before and rings the watchdog, which
// finds the names and writes the line. When that does not answer within two seconds (the crash may
// hold the lock it needs), the handler writes the facts to stderr itself.
//
// A task that has a note leaves a page (crash_page.hpp) for the process after this one: by the
// handler, with raw addresses; then by the watchdog, with names.
#pragma once

#include <filesystem>
#include <memory>

#include "shared/alternate_stack.hpp"
#include "supervisor/threads/watchdog.hpp"
#include "temporal/log.hpp"

namespace temporal::supervisor {

/// Handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT (which std::terminate ends in), and the
/// main thread's alternate stack. In a build with a sanitizer this does nothing: there the crashes
/// are the sanitizer's.
class CrashReports {
 public:
  static const bool kAvailable;

  /// One at a time in a process; made by the main thread. Both outlive this. `pages`: the folder for
  /// crash pages; empty: none are left.
  CrashReports(Watchdog& watchdog, Logger& log, const std::filesystem::path& pages = {});
  CrashReports(const CrashReports&) = delete;
  CrashReports& operator=(const CrashReports&) = delete;
  /// Puts back what handled the signals before.
  ~CrashReports();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace temporal::supervisor
