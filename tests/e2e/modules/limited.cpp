// SPDX-License-Identifier: MIT
// Activities that are held to something, each to its own.
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <thread>
#include <vector>

#include "tests/support/hold_memory.hpp"

using namespace std::chrono_literals;
namespace activity = temporal::activity;

constexpr std::size_t kGiB = std::size_t{1} << 30;

std::size_t take_memory(int mib) { return std::vector<char>(std::size_t(mib) << 20, 'm').size(); }

int burn_cpu() {
  volatile unsigned count = 0;
  for (;;) count = count + 1;
}

// Hears nothing; the cancellation of its workflow ends it.
void hear_nothing() {
  for (;;) ::pause();
}

// Says so, or does not, while it works for that long.
int work(activity::Context& ctx, int milliseconds, bool says_so) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < until) {
    if (says_so) ctx.progress();
    std::this_thread::sleep_for(10ms);
  }
  return ctx.info().attempt;
}
int work_unseen(activity::Context& ctx, int milliseconds) { return work(ctx, milliseconds, false); }
int work_seen(activity::Context& ctx, int milliseconds) { return work(ctx, milliseconds, true); }

int share_memory(int mib, int helpers) { return temporal::test::hold_memory(mib, helpers); }
int share_memory_freely(int mib, int helpers) { return share_memory(mib, helpers); }

// Which signs in, in a session of its own.
void leave_daemon(const std::string& folder) {
  const pid_t pid = ::fork();
  if (pid == 0) ::setsid();
  if (pid != 0) std::ofstream(folder + "/" + std::to_string(pid));
  for (;;) ::pause();
}

void limited(temporal::Module& m) {
  m.activity<take_memory>({.limits = {.memory = kGiB}});
  m.activity<share_memory>({.limits = {.memory = std::size_t{200} << 20}});
  m.activity<share_memory_freely>();
  m.activity<leave_daemon>();
  m.activity<burn_cpu>({.limits = {.cpu_time = 1s}});
  m.activity<hear_nothing>({.limits = {.timeout_grace = 200ms, .term_grace = 100ms}});
  m.activity<work_unseen>({.auto_heartbeat = 1s});
  m.activity<work_seen>({.auto_heartbeat = 1s});
}
TEMPORAL_EXPORT_MODULE(limited);
