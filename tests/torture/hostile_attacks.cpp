// SPDX-License-Identifier: MIT
// Attempts on what belongs to others. Each returns what the system said: "name ERRNO" for each attempt, "name done" for one that
// succeeded, "name -" for one that this system does not offer.
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <thread>

#include "shared/ipc/crc32c.hpp"
#include "tests/torture/forger.hpp"
#include "tests/torture/hostile.hpp"

namespace hostile {
namespace {

class Report {
 public:
  void add(const std::string& name, bool done) {
    text_ += name + " " + (done ? "done" : ::strerrorname_np(errno)) + "\n";
  }
  void skip(const std::string& name) { text_ += name + " -\n"; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The descriptors were closed before this code ran; where the system lets it, a mapping leads to another one.
int reopened(const Half& half) {
  return ::open(("/proc/self/map_files/" + half.range).c_str(), O_RDWR | O_CLOEXEC);
}

}  // namespace

std::string attack_down_half() {
  const auto down = find_half("down");
  // The header and ring A, which nobody writes while this task is in hand.
  const auto still = [&] {
    const std::span<const std::byte> all(down.data, down.size);
    return ipc::crc32c(ipc::crc32c(0, all.first(ipc::kPage)), all.subspan(3 * ipc::kPage));
  };
  const auto before = still();
  Report report;
  report.add("mprotect", ::mprotect(down.data, down.size, PROT_READ | PROT_WRITE) == 0);
  report.add("MADV_REMOVE", ::madvise(down.data, down.size, MADV_REMOVE) == 0);
  const int fd = reopened(down);
  if (fd < 0) {
    report.skip("reopening");
  } else {
    report.add("mmap",
               ::mmap(nullptr, down.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
    report.add("pwrite", ::pwrite(fd, "x", 1, 0) == 1);
    report.add("ftruncate", ::ftruncate(fd, 0) == 0);
    report.add("punch", ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0);
    report.add("unseal", ::fcntl(fd, F_ADD_SEALS, 0) == 0);
    ::close(fd);
  }
  return report.text() + (still() == before ? "the same" : "changed");
}

void write_down_half(int offset) {
  const auto down = find_half("down");
  down.data[static_cast<std::size_t>(offset) % down.size] = std::byte{1};
  hang();
}

std::string truncate_up_half() {
  const auto up = find_half("up");
  Report report;
  const int fd = reopened(up);
  if (fd < 0) {
    report.skip("reopening");
    return report.text();
  }
  report.add("shrink", ::ftruncate(fd, 0) == 0);
  report.add("grow", ::ftruncate(fd, static_cast<off_t>(up.size) * 2) == 0);
  ::close(fd);
  return report.text();
}

namespace {

#if defined(__x86_64__)
// As 32-bit programs enter the kernel: an errno, or 0. ENOSYS where it lets none of them in.
int ptrace_of_i386(int pid) {
  const pid_t helper = ::fork();
  if (helper == 0) {
    long said = 26;
    asm volatile("int $0x80"
                 : "+a"(said)
                 : "b"(PTRACE_ATTACH), "c"(pid), "d"(0), "S"(0)
                 : "memory", "r8", "r9", "r10", "r11");
    ::_exit(static_cast<int>(said) < 0 ? -static_cast<int>(said) : 0);
  }
  int status = 0;
  ::waitpid(helper, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : ENOSYS;
}
#endif

// What asks for the right to trace `pid`. `address` is of 8 bytes there, `fd` one of its descriptors.
void attack_process(Report& report, const std::string& whose, int pid, std::uint64_t address,
                    int fd) {
  std::uint64_t mine = 0;
  const iovec here{&mine, sizeof mine}, there{reinterpret_cast<void*>(address), sizeof mine};
  report.add(whose + "_readv", ::process_vm_readv(pid, &here, 1, &there, 1, 0) > 0);
  report.add(whose + "_writev", ::process_vm_writev(pid, &here, 1, &there, 1, 0) > 0);
  report.add(whose + "_kcmp", ::syscall(SYS_kcmp, ::getpid(), pid, KCMP_FILE, 0, 0) >= 0);
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) return report.skip(whose + "_getfd");
  report.add(whose + "_getfd", ::syscall(SYS_pidfd_getfd, process, fd, 0) >= 0);
  ::close(process);
}

}  // namespace

std::string attack_supervisor(int pid, std::uint64_t address, int fd) {
  Report report;
  const bool attached = ::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) == 0;
  report.add("ptrace", attached);
  if (attached) {
    ::waitpid(pid, nullptr, __WALL);
    ::ptrace(PTRACE_POKEDATA, pid, address, 0);
    ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  }
  attack_process(report, "supervisor", pid, address, fd);

  const auto folder = "/proc/" + std::to_string(pid);
  const int memory = ::open((folder + "/mem").c_str(), O_RDWR | O_CLOEXEC);
  report.add("mem", memory >= 0 && ::pwrite(memory, &fd, 4, static_cast<off_t>(address)) > 0);
  const auto file = folder + "/fd/" + std::to_string(fd);
  report.add("fd", ::open(file.c_str(), O_RDWR | O_CLOEXEC) >= 0);

  // Its own process and what it forked it might trace, if it might trace at all.
  std::uint64_t own = 0;
  attack_process(report, "own", ::getpid(), reinterpret_cast<std::uint64_t>(&own), 0);
  const pid_t helper = ::fork();
  if (helper == 0) hang();
  report.add("own_ptrace", ::ptrace(PTRACE_SEIZE, helper, nullptr, nullptr) == 0);
#if defined(__x86_64__)
  errno = ptrace_of_i386(helper);
  if (errno == ENOSYS)
    report.skip("own_ptrace_of_i386");
  else
    report.add("own_ptrace_of_i386", errno == 0);
  constexpr long kX32 = 0x40000000;
  report.add("own_ptrace_of_x32",
             ::syscall(kX32 + 521, PTRACE_ATTACH, helper, nullptr, nullptr) == 0);
#endif
  ::kill(helper, SIGKILL);
  ::waitpid(helper, nullptr, 0);
  return report.text();
}

// Stops itself when its answer is in the ring; whether its doorbell was rung by then is chance.
int stop_after_commit() {
  const auto up = find_half("up");
  auto& ends = *reinterpret_cast<ipc::EndsPage*>(up.data + ipc::kPage);
  const auto before = ends.tail.load();
  std::thread([&ends, before] {
    while (ends.tail.load() == before) {
    }
    ::kill(::getpid(), SIGSTOP);
  }).detach();
  return ::getpid();
}

void register_attacks(temporal::Module& m) {
  m.activity<attack_down_half>();
  m.activity<attack_supervisor>();
  m.activity<write_down_half>();
  m.activity<truncate_up_half>();
  m.activity<stop_after_commit>();
}

}  // namespace hostile
