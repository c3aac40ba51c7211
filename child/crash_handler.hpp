// SPDX-License-Identifier: MIT
// A crash says where it was before the process ends: into the arena, because nothing else can be trusted then. The signal then
// does what it would have done.
#pragma once

#include "shared/alternate_stack.hpp"
#include "shared/ipc/crash_page.hpp"

namespace temporal::child {

/// One in a process, on its main thread, for as long as that runs activities. A thread that an activity starts has no alternate
/// stack: its overflow ends the process in silence. Handlers that user code installs later take the place of these.
class CrashHandler {
 public:
  /// `page` stays as long as the process.
  explicit CrashHandler(ipc::CrashPage& page);
  CrashHandler(const CrashHandler&) = delete;
  CrashHandler& operator=(const CrashHandler&) = delete;

 private:
  AlternateStack stack_;
};

}  // namespace temporal::child
