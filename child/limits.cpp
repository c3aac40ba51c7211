// SPDX-License-Identifier: MIT
#include "child/limits.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "child/cgroup.hpp"
#include "child/processes.hpp"

namespace temporal::child {
namespace {

/// What it was before; nothing when it is as before.
std::optional<rlimit> lower(__rlimit_resource which, rlim_t most) {
  rlimit before{};
  if (::getrlimit(which, &before) != 0 || before.rlim_cur <= most) return std::nullopt;
  rlimit lower = before;
  lower.rlim_cur = most;
  if (::setrlimit(which, &lower) != 0) return std::nullopt;
  return before;
}

void restore(__rlimit_resource which, const std::optional<rlimit>& before) {
  if (before) ::setrlimit(which, &*before);
}

// Address space, not memory: pages that were loaded before the fork do not count against a task.
rlim_t mapped_bytes() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

// The limit is on the number of a descriptor, and the lowest that is free is given: below this one there are so many.
rlim_t number_after(int wanted) {
  const auto open = open_descriptors();  // above stderr
  int number = STDERR_FILENO + 1;
  for (int free = 0; free < wanted; ++number)
    if (!std::binary_search(open.begin(), open.end(), number)) ++free;
  return static_cast<rlim_t>(number);
}

rlim_t used_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto micros = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  return static_cast<rlim_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
                             (micros + 999'999) / 1'000'000);
}

// Beyond 19 the system stays at 19.
std::optional<int> be_nicer(int by) {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  if (::setpriority(PRIO_PROCESS, 0, before + by) != 0) return std::nullopt;
  return before;
}

}  // namespace

TaskLimits::TaskLimits(const ActivityLimits& limits, const ProcessLimits& process, bool& worn)
    : worn_(worn) {
  if (const auto memory = limits.memory > 0 ? limits.memory : process.memory; memory > 0) {
    if (!process.cgroup.empty() && limit_memory(process.cgroup, memory)) cgroup_ = &process.cgroup;
    const auto mapped = mapped_bytes();
    if (memory < RLIM_INFINITY - mapped) memory_ = lower(RLIMIT_AS, mapped + memory);
  }
  if (limits.cpu_time.count() > 0)
    cpu_ = lower(RLIMIT_CPU, used_seconds() + static_cast<rlim_t>(limits.cpu_time.count()));
  if (limits.open_files > 0) files_ = lower(RLIMIT_NOFILE, number_after(limits.open_files));
  if (limits.processes > 0) processes_ = lower(RLIMIT_NPROC, static_cast<rlim_t>(limits.processes));
  if (limits.nice > 0) nice_ = be_nicer(limits.nice);
  if (limits.oom_score_adj > 0) oom_score_adj_ = add_oom_score_adj(limits.oom_score_adj);
}

TaskLimits::~TaskLimits() {
  restore(RLIMIT_AS, memory_);
  restore(RLIMIT_CPU, cpu_);
  restore(RLIMIT_NOFILE, files_);  // before what opens files
  if (cgroup_ && !limit_memory(*cgroup_, 0)) worn_ = true;
  restore(RLIMIT_NPROC, processes_);
  if (nice_ && ::setpriority(PRIO_PROCESS, 0, *nice_) != 0) worn_ = true;
  if (oom_score_adj_ && !set_oom_score_adj(*oom_score_adj_)) worn_ = true;
}

}  // namespace temporal::child
