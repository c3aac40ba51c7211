// SPDX-License-Identifier: MIT
#include "child/confine.hpp"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace temporal::child {
namespace {

/// One way to enter the kernel, with numbers of its own.
struct Entry {
  std::uint32_t architecture;
  std::span<const std::uint32_t> denied;
};

// ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd: for programs of this machine, then for its 32-bit ones.
#if defined(__x86_64__)
// Those of x32 are these with a bit that is taken off before they are compared, but for three of its own.
constexpr std::uint32_t kX32 = 0x40000000;
constexpr std::array<std::uint32_t, 8> kOwn{101, 310, 311, 312, 438, 521, 539, 540};
constexpr std::array<std::uint32_t, 5> kCompat{26, 347, 348, 349, 438};
constexpr std::array<Entry, 2> kEntries{{{AUDIT_ARCH_X86_64, kOwn}, {AUDIT_ARCH_I386, kCompat}}};
#elif defined(__aarch64__)
constexpr std::uint32_t kX32 = 0;
constexpr std::array<std::uint32_t, 5> kOwn{117, 270, 271, 272, 438};
constexpr std::array<std::uint32_t, 5> kCompat{26, 376, 377, 378, 438};
constexpr std::array<Entry, 2> kEntries{{{AUDIT_ARCH_AARCH64, kOwn}, {AUDIT_ARCH_ARM, kCompat}}};
#else
constexpr std::uint32_t kX32 = 0;
constexpr std::array<Entry, 0> kEntries{};
#endif

sock_filter statement(std::uint16_t code, std::uint32_t value) { return {code, 0, 0, value}; }
/// Skips so many of the next statements when the value at hand is not `value`.
sock_filter unless_equal(std::uint32_t value, std::size_t skip) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<std::uint8_t>(skip), value};
}

// Constants and comparisons only: such a filter is worked out once for each number (since Linux 5.11), and the calls that it allows
// cost nothing.
std::vector<sock_filter> program() {
  constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS, kReturn = BPF_RET | BPF_K;
  const auto deny = statement(kReturn, SECCOMP_RET_ERRNO | EPERM);
  const auto allow = statement(kReturn, SECCOMP_RET_ALLOW);
  std::vector<sock_filter> all{statement(kLoad, offsetof(seccomp_data, arch))};
  for (const auto& [architecture, denied] : kEntries) {
    std::vector<sock_filter> one{statement(kLoad, offsetof(seccomp_data, nr))};
    if (kX32 != 0) one.push_back(statement(BPF_ALU | BPF_AND | BPF_K, ~kX32));
    for (const auto number : denied) {
      one.push_back(unless_equal(number, 1));
      one.push_back(deny);
    }
    one.push_back(allow);
    all.push_back(unless_equal(architecture, one.size()));
    all.insert(all.end(), one.begin(), one.end());
  }
  all.push_back(deny);  // a way in that nobody here knows
  return all;
}

bool filter_calls() {
  if (kEntries.empty()) {
    errno = ENOSYS;
    return false;
  }
  auto statements = program();
  const sock_fprog filter{static_cast<unsigned short>(statements.size()), statements.data()};
  const auto install = [&](unsigned flags) {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) == 0;
  };
  // Without the flag, kernels before 5.16 slow all code under a filter down for the sake of what interprets other people's.
  return install(SECCOMP_FILTER_FLAG_SPEC_ALLOW) || (errno == EINVAL && install(0));
}

// Where there is nothing to give up, all is well.
bool give_up_ptrace() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  auto& set = sets[CAP_TO_INDEX(CAP_SYS_PTRACE)];
  const std::uint32_t mine = CAP_TO_MASK(CAP_SYS_PTRACE);
  if (((set.permitted | set.inheritable) & mine) == 0) return true;
  set.effective &= ~mine;
  set.permitted &= ~mine;
  set.inheritable &= ~mine;
  // With no_new_privs no program gives it back.
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

}  // namespace

std::string confine() {
  std::string lacking;
  const auto demand = [&lacking](bool had, const char* what) {
    if (!had)
      lacking += (lacking.empty() ? "" : ", ") + std::string(what) + ": " + std::strerror(errno);
  };
  demand(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  demand(give_up_ptrace(), "capset");
  demand(filter_calls(), "seccomp");
  if (lacking.empty()) return lacking;
  return "children are confined in part only (" + lacking +
         "): what runs in them could look into other processes of its user";
}

}  // namespace temporal::child
