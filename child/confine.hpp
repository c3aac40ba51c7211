// SPDX-License-Identifier: MIT
// What user code in a child may not do, and what it starts may not either: look into other processes, take their descriptors, or
// become more than it is. It may still signal whom its user may signal: no sandbox, and no more than this is promised.
//
//  no_new_privs     set-uid programs (sudo, ping) run as who called them
//  a system-call filter   ptrace, process_vm_readv, process_vm_writev, pidfd_getfd and kcmp fail with EPERM
//  CAP_SYS_PTRACE   given up: with it, /proc/PID/mem would do what ptrace did
#pragma once

#include <string>

namespace temporal::child {

/// For the calling process, for ever, and all it will start; its one thread calls this. Returns what could not be had, as a
/// sentence; empty when all is in force.
[[nodiscard]] std::string confine();

}  // namespace temporal::child
