// SPDX-License-Identifier: MIT
// Real processes die here, and are looked at.
#include "supervisor/threads/crash_report.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "shared/ipc/fd.hpp"
#include "supervisor/threads/crash_page.hpp"
#include "tests/supervisor/threads/support.hpp"
#include "tests/support/folder.hpp"

using namespace std::chrono_literals;
using temporal::ipc::UniqueFd;
using temporal::supervisor::CrashFile;
using temporal::supervisor::CrashPage;
using temporal::supervisor::CrashReports;
using temporal::supervisor::read_crash_pages;

namespace {

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  return text;
}

class Crasher {
 public:
  explicit Crasher(const std::string& how) {
    int in[2], out[2], err[2];
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    const char* path = std::getenv("CRASHER");
    REQUIRE(path);
    std::string argument = how;
    char* arguments[] = {const_cast<char*>(path), argument.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, path, &actions, nullptr, arguments, environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    for (int theirs : {in[0], out[1], err[1]}) ::close(theirs);
    in_ = UniqueFd(in[1]);
    out_ = UniqueFd(out[0]);
    err_ = UniqueFd(err[0]);
  }
  ~Crasher() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  /// Its end: wait status; all it said.
  int wait() {
    stdout_ = read_all(out_.get());
    stderr_ = read_all(err_.get());
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = 0;
    return status;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int in() const { return in_.get(); }
  [[nodiscard]] int out() const { return out_.get(); }
  [[nodiscard]] const std::string& said() const { return stdout_; }
  [[nodiscard]] const std::string& shouted() const { return stderr_; }
  /// The one line of the log.
  [[nodiscard]] nlohmann::json line() const {
    INFO(stdout_, stderr_);
    REQUIRE(std::ranges::count(stdout_, '\n') == 1);
    return nlohmann::json::parse(stdout_);
  }

 private:
  pid_t pid_ = 0;
  UniqueFd in_, out_, err_;
  std::string stdout_, stderr_;
};

bool skipped() {
  if (!CrashReports::kAvailable) MESSAGE("skipped: crashes are the sanitizer's in this build");
  return !CrashReports::kAvailable;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Dies of `signal`, having named the task and `function` in one line.
nlohmann::json dies(const std::string& how, int signal, std::string_view function) {
  Crasher crasher(how);
  const int status = crasher.wait();
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == signal);
  auto line = crasher.line();
  INFO(line.dump(1));
  CHECK(line["level"] == "error");
  CHECK(line["thread"] == "loop-0");
  CHECK(line["activity_type"] == "deadly");
  CHECK(line["activity_id"] == "9");
  CHECK(line["workflow_id"] == "doom-1");
  CHECK(line["attempt"] == 1);
  CHECK(has(line["stack"].dump(), function));
  return line;
}

}  // namespace

TEST_CASE("AX3 a segmentation fault names activity and stack, then ends the worker truthfully") {
  if (skipped()) return;
  const auto line = dies("segv", SIGSEGV, "(anonymous namespace)::store_nowhere() at crasher.cpp:");
  CHECK(has(line["stack"][0].get<std::string>(), "store_nowhere"));
  CHECK(line["signal"] == "SIGSEGV");
  CHECK(line["address"] == "0x0");
  CHECK(!line.contains("reason"));
  CHECK(!has(line["stack"].dump(), "io_context"));
}

TEST_CASE("AX3 a stack overflow is reported, on a stack of its own") {
  if (skipped()) return;
  const auto line = dies("overflow", SIGSEGV, "recurse(int) at crasher.cpp:");
  CHECK(line["reason"] == "stack overflow");
  CHECK(has(line["stack"].dump(), " times)"));
}

TEST_CASE("a division by zero, an abort and a call through a null pointer are reported") {
  if (skipped()) return;
  CHECK(dies("divide", SIGFPE, "divide(int) at crasher.cpp:")["signal"] == "SIGFPE");
  CHECK(dies("abort", SIGABRT, "die(")["signal"] == "SIGABRT");
  CHECK(dies("call", SIGSEGV, "call_nowhere() at crasher.cpp:")["address"] == "0x0");
}

TEST_CASE("an exception that nobody catches is reported with what it said") {
  if (skipped()) return;
  const auto line = dies("throw", SIGABRT, "die(");
  CHECK(line["exception"] == "std::runtime_error: no such file");
}

TEST_CASE("a crash outside of any task is reported too, on the main thread as well") {
  if (skipped()) return;
  for (const std::string how : {"plain", "main"}) {
    CAPTURE(how);
    Crasher crasher(how);
    const int status = crasher.wait();
    CHECK(WTERMSIG(status) == SIGSEGV);
    const auto line = crasher.line();
    CHECK(!line.contains("activity_type"));
    CHECK(line["thread"] == (how == "main" ? "crasher" : "loop-0"));
    CHECK(has(line["stack"].dump(), "(anonymous namespace)::store_nowhere() at crasher.cpp:"));
  }
}

TEST_CASE("when the watchdog cannot answer, the handler writes the facts itself") {
  if (skipped()) return;
  Crasher crasher("silent");
  const int status = crasher.wait();
  CHECK(WTERMSIG(status) == SIGSEGV);
  CHECK(crasher.said().empty());
  INFO(crasher.shouted());
  CHECK(has(crasher.shouted(), "signal=SIGSEGV  thread=loop-0  activity_type=deadly"));
  CHECK(has(crasher.shouted(), "workflow_id=doom-1"));
  CHECK(has(crasher.shouted(), "stack= program+0x"));
}

TEST_CASE("a crash of the watchdog itself does not wait for the watchdog") {
  if (skipped()) return;
  Crasher crasher("watchdog");
  const int status = crasher.wait();
  CHECK(WTERMSIG(status) == SIGSEGV);
  CHECK(has(crasher.shouted(), "signal=SIGSEGV  thread=watchdog"));
}

namespace {

// A folder that is not there yet, for the pages of those who die.
class Pages {
 public:
  Pages() { ::setenv("CRASH_PAGES", folder().c_str(), 1); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { ::unsetenv("CRASH_PAGES"); }
  [[nodiscard]] std::filesystem::path folder() const { return root_.path() / "state" / "pages"; }

 private:
  temporal::test::Folder root_;
};

}  // namespace

TEST_CASE("a task with a note leaves a page for the process after it, with names in it") {
  if (skipped()) return;
  const Pages pages;
  for (const std::string how : {"abort", "overflow", "throw"}) {
    CAPTURE(how);
    const auto before = std::chrono::system_clock::now() - 1ms;
    Crasher crasher(how);
    crasher.wait();
    const auto crashes = read_crash_pages(pages.folder());
    REQUIRE(crashes.size() == 1);
    const auto& crash = crashes[0];
    CHECK(crash.note == "a note");
    CHECK(crash.workflow_id == "doom-1");
    CHECK(crash.at >= before);
    CHECK(crash.signal == (how == "overflow" ? "SIGSEGV" : "SIGABRT"));
    CHECK(crash.stack_overflow == (how == "overflow"));
    CHECK(crash.exception == (how == "throw" ? "std::runtime_error: no such file" : ""));
    REQUIRE(!crash.stack.empty());
    const auto stack = nlohmann::json(crash.stack).dump();
    CHECK(has(stack, how == "overflow" ? "recurse(int) at crasher.cpp:" : "die("));
    std::filesystem::remove(crash.file);
  }
}

TEST_CASE("when nobody can find the names, the page has the places") {
  if (skipped()) return;
  const Pages pages;
  Crasher crasher("silent");
  crasher.wait();
  const auto crashes = read_crash_pages(pages.folder());
  REQUIRE(crashes.size() == 1);
  REQUIRE(!crashes[0].stack.empty());
  CHECK(crashes[0].stack[0].starts_with("program+0x"));
}

TEST_CASE("a crash outside of any task leaves no page") {
  if (skipped()) return;
  const Pages pages;
  Crasher crasher("plain");
  crasher.wait();
  CHECK(read_crash_pages(pages.folder()).empty());
}

TEST_CASE("what is no page, or somebody else's, is left alone") {
  const Pages pages;
  std::filesystem::create_directories(pages.folder());
  std::ofstream(pages.folder() / "half.crash") << "tcrash01";
  std::ofstream(pages.folder() / "big.crash") << std::string(sizeof(CrashPage), 'x');
  std::filesystem::create_directory(pages.folder() / "folder.crash");
  REQUIRE(CrashFile(pages.folder()).write(CrashPage{}));
  const auto crashes = read_crash_pages(pages.folder());
  REQUIRE(crashes.size() == 1);
  std::filesystem::create_symlink(crashes[0].file, pages.folder() / "link.crash");
  CHECK(read_crash_pages(pages.folder()).size() == 1);
}

TEST_CASE("a process that was stopped for a while has no stuck loops") {
  Crasher crasher("stopped");
  char line[6];
  REQUIRE(::read(crasher.out(), line, sizeof line) == sizeof line);
  REQUIRE(::kill(crasher.pid(), SIGSTOP) == 0);
  siginfo_t stopped{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(crasher.pid()), &stopped, WSTOPPED) == 0);
  std::this_thread::sleep_for(2s);  // what must pass for the mistake to show
  REQUIRE(::kill(crasher.pid(), SIGCONT) == 0);
  REQUIRE(::write(crasher.in(), "\n", 1) == 1);
  const int status = crasher.wait();
  INFO(crasher.said(), crasher.shouted());
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
