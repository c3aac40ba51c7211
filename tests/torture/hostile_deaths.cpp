// SPDX-License-Identifier: MIT
// Ways to die, to refuse to, and to leave others behind.
#undef NDEBUG  // row 4 wants its assert()
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "child/v1/child.pb.h"
#include "tests/torture/forger.hpp"
#include "tests/torture/hostile.hpp"

namespace hostile {
namespace {

using temporal::ipc::RecordType;

volatile int zero = 0;

struct CopyThrows : std::runtime_error {
  CopyThrows() : std::runtime_error("not to be copied") {}
  CopyThrows(const CopyThrows& other) : std::runtime_error(other) {
    throw std::logic_error("copied");
  }
};
struct NoText : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

[[noreturn]] void outlive(int told) {
  const char seen = sees_arena() ? 'y' : 'n';
  (void)!::write(told, &seen, 1);
  hang();
}

// In the child's own memory, where MADV_DONTFORK means nothing: it goes on writing when the child is dead. Short lines, so that it is
// faster than who reads them.
struct Writer {
  Forger forger;
  Forgery line{.type = RecordType::log, .payload = {}};
};
int write_for_ever(void* writer) {
  ::setsid();
  auto& [forger, line] = *static_cast<Writer*>(writer);
  for (;;)
    if (forger.has_room(static_cast<std::uint32_t>(line.payload.size()))) forger.write(line);
}

}  // namespace

// The real thing, not raise(). With `core`, one may be dumped, into that folder.
void fault(int signal, bool core, std::string folder) {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = core ? limit.rlim_max : 0;
  ::setrlimit(RLIMIT_CORE, &limit);
  if (::chdir(folder.c_str()) != 0) throw std::runtime_error("chdir");
  volatile int* volatile nowhere = nullptr;
  if (signal == SIGSEGV) *nowhere = 1;
  if (signal == SIGFPE) std::printf("%d\n", 42 / zero);
  if (signal == SIGILL) __builtin_trap();
  if (signal == SIGBUS) {
    std::FILE* file = std::tmpfile();
    void* page = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, ::fileno(file), 0);
    std::printf("%d\n", *static_cast<volatile char*>(page));  // beyond the end of an empty file
  }
}

// With so many MiB to be written into that folder.
void dump_much(int mib, std::string folder) {
  const std::vector<char> memory(static_cast<std::size_t>(mib) << 20, 'c');
  fault(SIGSEGV, true, std::move(folder));
  std::printf("%d\n", memory.back());
}

// What the kernel was told of the memory it shares with the supervisor, by half.
std::string flags_of_arena() {
  std::ifstream maps("/proc/self/smaps");
  std::string found;
  bool ours = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:") != std::string::npos)
      ours = line.find("temporal-down") != std::string::npos ||
             line.find("temporal-up") != std::string::npos;
    else if (line.find('-') < line.find(' '))
      ours = false;
    if (ours && line.starts_with("VmFlags:")) found += line + "\n";
  }
  return found;
}

int deeper(volatile char* caller) {
  volatile char frame[1024];
  frame[0] = caller[0];
  if (frame[0] != 0) return 0;  // never: the compiler is not to know
  return deeper(frame) + frame[0];
}
int recurse_for_ever() {
  volatile char first[1]{};
  return deeper(first);
}

void abort_by(std::string how) {
  if (how == "assert") {
    constexpr bool the_moon_is_cheese = false;
    assert(the_moon_is_cheese);
  }
  if (how == "terminate") std::terminate();
  if (how == "thread") {
    std::thread thread([] { throw std::runtime_error("thrown where nobody catches"); });
    thread.join();
  }
  std::abort();
}

void exit_by(std::string how) {
  if (how == "exit") std::exit(0);
  if (how == "_exit") ::_exit(0);
  if (how == "quick_exit") std::quick_exit(0);
  std::thread([] { ::_exit(0); }).detach();
  hang();
}

void throw_awkward(std::string which) {
  if (which == "copy") throw CopyThrows();
  if (which == "null") throw NoText();
  if (which == "long") throw std::runtime_error(std::string(100'000'000, 'w'));
  throw 42;
}

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

// How long that was, in milliseconds.
int wait_so_long(activity::Context& ctx, int milliseconds) {
  const auto since = std::chrono::steady_clock::now();
  say_begun(ctx, 1);
  (void)ctx.wait_cancelled(std::chrono::milliseconds(milliseconds));
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::steady_clock::now() - since)
                              .count());
}

void loop_for_ever(activity::Context& ctx) {
  say_begun(ctx, 1);
  for (;;) zero = 0;
}

// With every signal blocked, or with a handler that swallows SIGTERM.
void loop_deaf(activity::Context& ctx, std::string how) {
  if (how == "blocked") {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
  } else {
    ::signal(SIGTERM, [](int) {});
  }
  loop_for_ever(ctx);
}

// Dies after its answer is published, before anybody was rung for it or has read it.
int complete_then_exit() {
  (void)lose_doorbell();
  const auto up = find_half("up");
  auto& ends = *reinterpret_cast<ipc::EndsPage*>(up.data + ipc::kPage);
  const auto before = ends.tail.load();
  std::thread([&ends, before] {
    while (ends.tail.load() == before) {
    }
    ::_exit(0);
  }).detach();
  return ::getpid();
}

// A grandchild in the child's group, a daemon, or one in a session of its own that is the child's child. "pid seen", seen y or n:
// whether it holds the shared memory.
void leave_behind(activity::Context& ctx, std::string how) {
  std::array<int, 2> seen{}, named{};
  if (::pipe(seen.data()) != 0 || ::pipe(named.data()) != 0) throw std::runtime_error("pipe");
  const auto be = [&] {
    const pid_t self = ::getpid();
    (void)!::write(named[1], &self, sizeof self);
    outlive(seen[1]);
  };
  const pid_t forked = ::fork();
  if (forked == 0) {
    if (how != "group") ::setsid();
    if (how != "daemon" || ::fork() == 0) be();
    ::_exit(0);
  }
  if (how == "daemon") ::waitpid(forked, nullptr, 0);
  pid_t pid = 0;
  char answer = '?';
  (void)!::read(named[0], &pid, sizeof pid);
  (void)!::read(seen[0], &answer, 1);
  say_begun(ctx, std::to_string(pid) + " " + answer);
  hang();
}

void leave_a_writer(activity::Context& ctx) {
  static Writer writer;
  static std::vector<char> stack(1 << 20);
  temporal::child::v1::Log log;
  log.set_task(writer.forger.task());
  writer.line.payload = log.SerializeAsString();
  const int pid = ::clone(write_for_ever, stack.data() + stack.size(), CLONE_VM | SIGCHLD, &writer);
  if (pid < 0) throw std::runtime_error("clone");
  say_begun(ctx, pid);
  hang();
}

// Millions of bytes, in lines.
void print_much(int mib) {
  const std::string line = std::string(1023, 'p') + "\n";
  for (int i = 0; i < mib * 1024; ++i) std::fwrite(line.data(), 1, line.size(), stdout);
}

int look_at(activity::Context& ctx, std::string file) {
  say_begun(ctx, 1);
  struct stat status;
  return ::stat(file.c_str(), &status);
}

void register_deaths(temporal::Module& m) {
  m.activity<look_at>();
  m.activity<fault>();
  m.activity<dump_much>();
  m.activity<flags_of_arena>();
  m.activity<abort_by>();
  m.activity<recurse_for_ever>();
  m.activity<exit_by>();
  m.activity<throw_awkward>();
  m.activity<nap>();
  m.activity<wait_so_long>();
  m.activity<loop_for_ever>();
  m.activity<loop_deaf>();
  m.activity<complete_then_exit>();
  m.activity<leave_behind>();
  m.activity<leave_a_writer>();
  m.activity<print_much>();
}

}  // namespace hostile
