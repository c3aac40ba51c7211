// SPDX-License-Identifier: MIT
#include "supervisor/init.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "supervisor/children/orphans.hpp"

namespace temporal::supervisor {

namespace {

// Whoever knows a child asks how it ended within milliseconds: what is dead for so long is nobody's.
constexpr auto kLook = std::chrono::seconds(2);

bool is_dead(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

}  // namespace

Init::Init(boost::asio::io_context& core) : next_look_(core) {
  if (::getpid() == 1) look();
}

void Init::look() {
  next_look_.expires_after(kLook);
  next_look_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    reap();
    look();
  });
}

void Init::reap() {
  std::set<pid_t> dead;
  for (const pid_t pid : children::own_children()) {
    if (!is_dead(pid)) continue;
    if (!dead_.contains(pid) || ::waitpid(pid, nullptr, WNOHANG) != pid) dead.insert(pid);
  }
  dead_ = std::move(dead);
}

}  // namespace temporal::supervisor
