// SPDX-License-Identifier: MIT
// Activities that do to their process whatever can be done to one.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <list>
#include <sstream>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <thread>
#include <vector>

#include "tests/support/hold_memory.hpp"

using namespace std::chrono_literals;
namespace activity = temporal::activity;

namespace {

int tasks_in_this_process = 0;
int milliseconds_to_leave = 0;

// Tells the other side that the activity has begun. That may cancel it before this returns.
void say_begun(activity::Context& ctx, int details) {
  try {
    ctx.heartbeat(details);
  } catch (const temporal::Cancelled&) {
  }
}

}  // namespace

std::string say_hello(std::string name) { return "Hello, " + name + "!"; }

void no_op() {}

// Until its thread has had so much of a core.
void burn(int milliseconds) {
  const auto cpu = [] {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  for (const auto end = cpu() + std::chrono::milliseconds(milliseconds); cpu() < end;) {
  }
}

// Works, without a system call, and says what it was given.
std::string spin(std::string text, int microseconds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
  return text;
}

int own_pid() { return getpid(); }

int count_tasks() { return ++tasks_in_this_process; }

void leave_slowly(int milliseconds) { milliseconds_to_leave = milliseconds; }

// Touched, and never given back.
int leak(int mib) {
  static std::list<std::vector<char>> leaked;
  leaked.emplace_back(static_cast<std::size_t>(mib) << 20, 'x');
  return getpid();
}

std::string throw_error(std::string what) {
  try {
    throw std::invalid_argument("the inner one");
  } catch (...) {
    std::throw_with_nested(std::runtime_error(what));
  }
}

int throw_int() { throw 42; }

void throw_application_error() {
  throw temporal::ApplicationError("no such card", {.type = "CardDeclined", .non_retryable = true});
}

void throw_cancelled_unasked() { throw temporal::Cancelled("nobody asked"); }

void complete_later() { temporal::complete_async(); }

void crash() { std::raise(SIGSEGV); }

void exit_with(int code) { std::_Exit(code); }

void leave_by_exit(int code) { std::exit(code); }

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }
void throw_where_nobody_may(std::string what) noexcept { fail(what); }

int status_of_a_fork_that_aborts() {
  const pid_t pid = ::fork();
  if (pid == 0) std::abort();
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status & 0x7f;
}

void print_and_abort(std::string line) {
  std::puts("on stdout");
  std::fprintf(stderr, "%s\n", line.c_str());
  std::abort();
}

void print(std::string line) { std::puts(line.c_str()); }

// Until it is cancelled; returns the reason as text.
std::string wait_for_cancel(activity::Context& ctx) {
  while (!ctx.wait_cancelled(1h)) {
  }
  return std::string(to_string(*ctx.cancel_reason()));
}

std::string beat_and_wait(activity::Context& ctx, int details) {
  say_begun(ctx, details);
  return wait_for_cancel(ctx);
}

void heartbeat_until_cancelled(activity::Context& ctx) {
  for (int i = 0;; ++i) ctx.heartbeat(i);
}

// What may be done with the memory that a view shows, then its bytes at both ends: "r--s ab". And the first letter of what was
// copied.
std::string look_at_memory(temporal::BytesView bytes, const std::string& beside) {
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::string rights;
    std::istringstream(line) >> std::hex >> begin >> dash >> end >> rights;
    if (address < begin || address >= end) continue;
    return rights + " " + static_cast<char>(bytes.front()) + static_cast<char>(bytes.back()) +
           beside.substr(0, 1);
  }
  return "nowhere";
}

void heartbeat_too_large(activity::Context& ctx) { ctx.heartbeat(std::string(70'000, 'x')); }

int last_heartbeat(activity::Context& ctx) { return ctx.last_heartbeat<int>().value_or(-1); }

// Deaf to everything but SIGKILL. Blocks on nothing that a signal could cut short.
void ignore_everything(activity::Context& ctx) {
  std::signal(SIGTERM, SIG_IGN);
  say_begun(ctx, 1);
  for (;;) pause();
}

void until_notice(activity::Context& ctx) {
  while (!ctx.wait_worker_shutdown(1s)) {
  }
}

std::string log_and_describe(activity::Context& ctx) {
  ctx.log().warn("a line of the activity", {{"answer", 42}});
  const auto& info = ctx.info();
  return info.activity_type + " " + info.workflow_id + " " + std::to_string(info.attempt) + " " +
         info.headers.at("trace").data;
}

int log_much(activity::Context& ctx, int lines) {
  for (int i = 0; i < lines; ++i) ctx.log().info(std::string(1000, 'l'));
  return lines;
}

// As many lines as asked for, then opens the FIFO.
void log_and_open(activity::Context& ctx, int lines, std::string fifo) {
  for (int i = 0; i < lines; ++i) ctx.log().info("a line");
  const std::ofstream logged(fifo);
}

void log_bytes(activity::Context& ctx) { ctx.log().warn("caf\xe9"); }

// As many series as asked for, then opens the FIFO.
void measure_much(activity::Context& ctx, int series, std::string fifo) {
  for (int i = 0; i < series; ++i)
    ctx.metrics().counter("pages", 1, {{"number", std::to_string(i) + std::string(1000, 'x')}});
  const std::ofstream measured(fifo);
}

// Over everything this process may write of what it shares with the supervisor, or over what it may only read.
void spoil_memory(std::string which) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("temporal-" + which) == std::string::npos) continue;
    std::size_t used = 0;
    auto begin = std::stoull(line, &used, 16);
    auto end = std::stoull(line.substr(used + 1), nullptr, 16);
    std::memset(reinterpret_cast<void*>(begin), 0xff, end - begin);
  }
  for (;;) pause();  // an answer would put most of it right again
}

std::string repeat(std::string text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

// A grandchild in a session of its own; returns its pid and waits to be killed.
void start_daemon(activity::Context& ctx) {
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    for (;;) pause();
  }
  say_begun(ctx, int(pid));
  for (;;) pause();
}

// A grandchild in its child's own group.
void start_helper(activity::Context& ctx) {
  pid_t pid = fork();
  if (pid == 0)
    for (;;) pause();
  say_begun(ctx, int(pid));
  for (;;) pause();
}

int hold_memory(int mib, int helpers) { return temporal::test::hold_memory(mib, helpers); }
int hold_memory_bound(int mib, int helpers) { return hold_memory(mib, helpers); }

// Reads large files, until so many MiB are read. How many are cached for its cgroup then.
int cache_files(std::string folder, int mib) {
  std::vector<char> part(1 << 20);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (mib <= 0) break;
    if (!entry.is_regular_file() || entry.file_size() < part.size()) continue;
    const int file = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);  // somebody else may have it cached
    while (mib > 0 && read(file, part.data(), part.size()) > 0) --mib;
    close(file);
  }
  std::ifstream cgroups("/proc/self/cgroup");
  std::string line, field;
  while (std::getline(cgroups, line) && !line.starts_with("0::")) {
  }
  std::ifstream statistics("/sys/fs/cgroup" + line.substr(3) + "/memory.stat");
  long long cached = 0;
  for (long long bytes = 0; statistics >> field >> bytes;)
    if (field == "active_file" || field == "inactive_file") cached += bytes;
  return static_cast<int>(cached >> 20);
}

int nice_value() { return nice(0); }

// The cores it may run on, as the kernel writes them.
std::string own_cores() {
  std::ifstream status("/proc/self/status");
  const std::string field = "Cpus_allowed_list:\t";
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return line.substr(field.size());
  return "";
}

// What /proc/self/status says of it.
std::string own_status(std::string field) {
  std::ifstream file("/proc/self/status");
  std::string value;
  for (std::string word; file >> word;)
    if (word == field && file >> value) break;
  return value;
}

bool trace_own_child() {
  const pid_t pid = fork();
  if (pid == 0)
    for (;;) pause();
  const bool traced = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0;
  kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return traced;
}

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

std::string environment(std::string name) {
  const char* value = std::getenv(name.c_str());
  return value ? value : "";
}

void test_module(temporal::Module& m) {
  if (const char* mib = std::getenv("TEST_BALLAST_MIB"))
    m.preload([size = std::strtoull(mib, nullptr, 10) << 20] {
      static std::vector<char> ballast;
      ballast.assign(size, 'b');
    });
  m.activity<say_hello>();
  m.activity<no_op>();
  m.activity<burn>();
  m.activity<spin>();
  m.activity<own_pid>();
  m.activity<count_tasks>();
  m.activity<leak>();
  m.activity<leave_slowly>();
  m.on_child_stop([] {
    if (std::getenv("TEST_SAYS_STOP")) std::puts("a child stops");
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds_to_leave));
  });
  m.activity<throw_error>();
  m.activity<throw_int>();
  m.activity<throw_application_error>();
  m.activity<throw_cancelled_unasked>();
  m.activity<complete_later>();
  m.activity<crash>();
  m.activity<exit_with>();
  m.activity<leave_by_exit>();
  m.activity<throw_where_nobody_may>();
  m.activity<status_of_a_fork_that_aborts>();
  m.activity<print_and_abort>();
  m.activity<print>();
  m.activity<wait_for_cancel>();
  m.activity<beat_and_wait>();
  m.activity<heartbeat_until_cancelled>();
  m.activity<look_at_memory>();
  (void)activity::detail::registered<look_at_memory>;
  m.activity<heartbeat_too_large>();
  m.activity<last_heartbeat>();
  m.activity<ignore_everything>();
  m.activity<until_notice>();
  m.activity<log_and_describe>();
  m.activity<log_much>();
  m.activity<log_and_open>();
  m.activity<log_bytes>();
  m.activity<measure_much>();
  m.activity<repeat>();
  m.activity<spoil_memory>();
  m.activity<start_daemon>();
  m.activity<start_helper>();
  m.activity<hold_memory>();
  m.activity<hold_memory_bound>({.limits = {.memory = std::size_t{100} << 20}});
  m.activity<cache_files>();
  m.activity<nice_value>();
  m.activity<own_cores>();
  m.activity<own_status>();
  m.activity<trace_own_child>();
  m.activity<open_descriptors>();
  m.activity<environment>();
}
TEMPORAL_EXPORT_MODULE(test_module);
