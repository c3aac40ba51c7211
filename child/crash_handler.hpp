// SPDX-License-Identifier: MIT
// A crash says where it was before the process ends: into the arena, because nothing else can be trusted then. The signal then
// does what it would have done.
#pragma once

#include "shared/alternate_stack.hpp"
#include "shared/ipc/crash_page.hpp"

namespace temporal::child {

/// One on each thread that runs activities, for as long as it does; the main thread's is the first. A thread that an activity
/// starts has no alternate stack: its overflow ends the process in silence. Its other crashes are told in the first page.
/// Handlers that user code installs later take the place of these.
class CrashHandler {
 public:
  /// `page`, of the tasks of this thread, stays as long as the process.
  explicit CrashHandler(ipc::CrashPage& page);
  CrashHandler(const CrashHandler&) = delete;
  CrashHandler& operator=(const CrashHandler&) = delete;

 private:
  AlternateStack stack_;
};

}  // namespace temporal::child
