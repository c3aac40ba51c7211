// SPDX-License-Identifier: MIT
#include "child/lifeline.hpp"

#include <sys/prctl.h>
#include <unistd.h>

namespace temporal::child {

bool tie_to_parent(pid_t parent, int signal) noexcept {
  if (::prctl(PR_SET_PDEATHSIG, signal) != 0) return false;
  // Asked after prctl: a parent that died before it is seen here.
  return ::getppid() == parent;
}

}  // namespace temporal::child
