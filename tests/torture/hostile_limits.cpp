// SPDX-License-Identifier: MIT
// Activities that take more than they may, and what is left of the limits afterwards.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/support/hold_memory.hpp"
#include "tests/torture/hostile.hpp"

namespace hostile {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

std::vector<char> take(int mib) {
  return std::vector<char>(static_cast<std::size_t>(mib) * kMiB, 'm');
}

}  // namespace

int take_memory(int mib) {
  const auto taken = take(mib);
  return ::getpid() + (taken.back() == 'm' ? 0 : 1);
}
int take_as_much_as_there_is(int mib) { return take_memory(mib); }

int share_memory(int mib, int helpers) { return temporal::test::hold_memory(mib, helpers); }
int share_memory_freely(int mib, int helpers) { return share_memory(mib, helpers); }

void use_up_cpu(activity::Context& ctx) {
  say_begun(ctx, 1);
  volatile unsigned long count = 0;
  for (;;) ++count;
}

// How many it got.
int open_many(int wanted) {
  std::vector<int> opened;
  for (int fd; static_cast<int>(opened.size()) < wanted &&
               (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
    opened.push_back(fd);
  for (const int fd : opened) ::close(fd);
  return static_cast<int>(opened.size());
}
int open_many_without_limit(int wanted) { return open_many(wanted); }

// Of address space, CPU time, descriptors and processes, "-" where there is none; niceness; oom_score_adj.
std::string soft_limits() {
  std::string text;
  for (const auto which : {RLIMIT_AS, RLIMIT_CPU, RLIMIT_NOFILE, RLIMIT_NPROC}) {
    rlimit limit{};
    ::getrlimit(which, &limit);
    text += (limit.rlim_cur == RLIM_INFINITY ? "-" : std::to_string(limit.rlim_cur)) + ' ';
  }
  std::string oom_score_adj;
  std::ifstream("/proc/self/oom_score_adj") >> oom_score_adj;
  return text + std::to_string(::getpriority(PRIO_PROCESS, 0)) + ' ' + oom_score_adj;
}
std::string limits_in_between() { return soft_limits(); }

// Why not, or "".
std::string start_a_thread() {
  try {
    std::thread([] {}).join();
    return {};
  } catch (const std::system_error& error) {
    return error.code().message();
  }
}
std::string start_a_thread_too_many() { return start_a_thread(); }

void register_limits(temporal::Module& m) {
  using namespace std::chrono_literals;
  m.activity<take_memory>({.limits = {.memory = 256 * kMiB}});
  m.activity<take_as_much_as_there_is>();
  m.activity<share_memory>({.limits = {.memory = 100 * kMiB}});
  m.activity<share_memory_freely>();
  m.activity<use_up_cpu>({.limits = {.cpu_time = 1s}});
  m.activity<open_many>({.limits = {.memory = 1024 * kMiB, .cpu_time = 60s, .open_files = 5}});
  m.activity<open_many_without_limit>();
  m.activity<soft_limits>();
  m.activity<limits_in_between>({.limits = {.processes = 77, .nice = 2, .oom_score_adj = 100}});
  m.activity<start_a_thread>();
  m.activity<start_a_thread_too_many>({.limits = {.processes = 1}});
}

}  // namespace hostile
