// SPDX-License-Identifier: MIT
// What becomes of descriptors that user code did not open: closed, replaced, filled, rung without end.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

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
  put_in_place_of(ears(), ::epoll_create1(EPOLL_CLOEXEC));
  return ::getpid();
}

// From now on what this child publishes wakes nobody.
int lose_doorbell() {
  put_in_place_of(supervisor_bell(), ::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return ::getpid();
}

// The next ring from the other side would wait for room, if it waited at all.
int fill_own_bell() {
  const int bell = child_bell();
  const std::uint64_t most = ~std::uint64_t{0} - 1;
  while (::write(bell, &most, sizeof most) != sizeof most) {
    std::uint64_t count;
    (void)!::read(bell, &count, sizeof count);
  }
  ::fcntl(bell, F_SETFL, 0);
  return ::getpid();
}

// Who reads it where nothing is to be read would wait.
int make_bell_block() {
  ::fcntl(supervisor_bell(), F_SETFL, 0);
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
  m.activity<lose_doorbell>();
  m.activity<fill_own_bell>();
  m.activity<make_bell_block>();
  m.activity<ring_for_ever>();
  m.activity<exit_twice>();
}

}  // namespace hostile
