// SPDX-License-Identifier: MIT
// The zygote's program as another user, because limits on processes do not bind root; with `--limit PID N`, that user's own hand on
// such a limit, for who is not root already.
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace {

bool become_nobody() {
  constexpr unsigned kNobody = 65534;
  return ::getuid() != 0 ||
         (::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
}

bool limit(pid_t pid, rlim_t most) {
  rlimit now{};
  if (::prlimit(pid, RLIMIT_NPROC, nullptr, &now) != 0) return false;
  now.rlim_cur = most < now.rlim_max ? most : now.rlim_max;
  return ::prlimit(pid, RLIMIT_NPROC, &now, nullptr) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (!become_nobody()) return 1;
  if (argc == 4 && std::string_view(argv[1]) == "--limit")
    return limit(std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10)) ? 0 : 1;
  if (const char* program = std::getenv("TEMPORAL_CHILD")) ::execv(program, argv);
  return 1;
}
