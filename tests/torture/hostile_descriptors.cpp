// SPDX-License-Identifier: MIT
// What becomes of descriptors that user code did not open: closed, replaced, rung without end. And who hears no call any more.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/torture/forger.hpp"
#include "tests/torture/hostile.hpp"

namespace hostile {
namespace {

// What this process waits with.
int ears() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd"))
    if (fs::read_symlink(entry.path(), ignored) == "anon_inode:[eventpoll]")
      return std::stoi(entry.path().filename());
  throw std::runtime_error("no ears");
}

const ipc::EndsPage* own_ends = nullptr;

void never_return(int) {
  if (own_ends->sleep.load() % 2 == 0) return;  // its answer is still under way
  ::prctl(PR_SET_NAME, "stuck");
  for (;;) ::pause();
}

void put_in_place_of(int fd, int other) {
  ::dup2(other, fd);
  ::close(other);
}

}  // namespace

int close_all() {
  for (int fd = 0; fd < 1024; ++fd) ::close(fd);
  return ::getpid();
}

// As code does that closes what it did not open, and is given the same numbers again.
int lose_ears() {
  const int own = ears();
  put_in_place_of(own, ::epoll_create1(EPOLL_CLOEXEC));
  return ::getpid();
}

// A signal handler that it leaves behind: this process sleeps, and nothing wakes it any more.
int get_stuck() {
  own_ends = &Forger().ends();
  ::signal(SIGALRM, never_return);
  const itimerval soon_and_again{{0, 1'000}, {0, 1'000}};
  ::setitimer(ITIMER_REAL, &soon_and_again, nullptr);
  return ::getpid();
}

// From now on what this child publishes wakes nobody.
int lose_doorbell() {
  put_in_place_of(supervisor_bell(), ::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return ::getpid();
}

// Rings so often that its rings are counted, and makes who reads where nothing is to be read wait.
int make_bell_block() {
  const int bell = supervisor_bell();
  ::fcntl(bell, F_SETFL, 0);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t one = 1;
    (void)!::write(bell, &one, sizeof one);
    ::usleep(500);
  }
  return ::getpid();
}

void ring_for_ever(int pause_us) {
  const int bell = supervisor_bell();
  for (const std::uint64_t one = 1;;) {
    (void)!::write(bell, &one, sizeof one);
    if (pause_us > 0) ::usleep(static_cast<unsigned>(pause_us));
  }
}

void exit_twice() {
  std::atexit([] { ::_exit(0); });
  std::exit(1);
}

void register_descriptors(temporal::Module& m) {
  m.activity<close_all>();
  m.activity<lose_ears>();
  m.activity<get_stuck>();
  m.activity<lose_doorbell>();
  m.activity<make_bell_block>();
  m.activity<ring_for_ever>();
  m.activity<exit_twice>();
}

}  // namespace hostile
