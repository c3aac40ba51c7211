// SPDX-License-Identifier: MIT
#pragma once

#include <sys/prctl.h>

namespace temporal::supervisor::children {

/// Other processes of this one's user, its children among them, can no longer trace it, nor open its memory, environment and
/// descriptors in /proc; neither can a debugger, and it leaves no core file. For who has CAP_SYS_PTRACE it changes nothing.
inline void keep_out() noexcept { ::prctl(PR_SET_DUMPABLE, 0); }

}  // namespace temporal::supervisor::children
