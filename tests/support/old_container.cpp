// SPDX-License-Identifier: MIT
// old_container PROGRAM [ARGUMENT...]: runs it as container runtimes of some years ago did: memfd_create and pidfd_open fail with
// EPERM, clone3 with ENOSYS. In the place of a zygote's program it runs TEMPORAL_CHILD. DENIED, a comma list, names other calls.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

struct Denied {
  std::string_view name;
  std::uint32_t number;
  std::uint32_t error;
};
constexpr Denied kKnown[] = {{"memfd_create", SYS_memfd_create, EPERM},
                             {"pidfd_open", SYS_pidfd_open, EPERM},
                             {"clone3", SYS_clone3, ENOSYS},
                             {"seccomp", SYS_seccomp, EPERM}};

bool deny(std::string_view names) {
  std::vector<sock_filter> filter{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)}};
  for (const auto& [name, number, error] : kKnown) {
    if (names.find(name) == std::string_view::npos) continue;
    filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number});
    filter.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error});
  }
  filter.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char* names = std::getenv("DENIED");
  if (!deny(names ? names : "memfd_create,pidfd_open,clone3")) {
    std::puts("skipped: no filter of system calls can be installed here");
    return 77;
  }
  if (!std::string_view(argv[1]).starts_with("--")) {
    ::execv(argv[1], argv + 1);
  } else if (const char* child = std::getenv("TEMPORAL_CHILD")) {
    ::execv(child, argv);
  }
  std::perror(argv[1]);
  return 1;
}
