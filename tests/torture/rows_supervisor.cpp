// SPDX-License-Identifier: MIT
// The supervisor's own death: nobody outlives it.
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <sstream>
#include <thread>

#include "tests/torture/invariants.hpp"

using namespace temporal::supervisor::children::test;
using namespace temporal::supervisor::children::torture;
namespace ipc = temporal::ipc;
using namespace std::literals;

extern char** environ;

namespace {

/// A supervisor of its own, with children that hold grandchildren of every kind.
class Host {
 public:
  Host() {
    // Orphans come here, so that they can be counted.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    std::string program = required_env("TORTURE_HOST");
    std::array<int, 2> out{}, errors{};
    REQUIRE(::pipe2(out.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(errors.data(), O_CLOEXEC) == 0);
    out_.reset(out[0]);
    errors_.reset(errors[0]);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, errors[1], STDERR_FILENO);
    char* arguments[] = {program.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, program.c_str(), &files, nullptr, arguments, environ) == 0);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(out[1]);
    ::close(errors[1]);
    std::string line;
    for (char c; ::read(out_.get(), &c, 1) == 1 && c != '\n';) line += c;
    std::istringstream words(line);
    for (pid_t pid; words >> pid;) pids_.push_back(pid);
    REQUIRE(pids_.size() == 7);  // a zygote, three children, three grandchildren
    for (pid_t pid : pids_) REQUIRE(alive(pid));
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Kills it and waits for all; returns how long that took. Its zombies are gone then, too.
  std::chrono::milliseconds kill(int signal) {
    const auto since = std::chrono::steady_clock::now();
    ::kill(pid_, signal);
    while (alive(pid_) || std::ranges::any_of(pids_, alive)) std::this_thread::sleep_for(1ms);
    const auto took = std::chrono::steady_clock::now() - since;
    // Waits: one whose first thread is a zombie may have others that are still on their way.
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(took);
  }
  /// What it wrote to stderr; after its death.
  std::string errors() {
    std::string text;
    for (char c; ::read(errors_.get(), &c, 1) == 1;) text += c;
    return text;
  }

 private:
  ipc::UniqueFd out_, errors_;
  pid_t pid_ = 0;
  std::vector<pid_t> pids_;
};

}  // namespace

TEST_CASE(
    "row 18: SIGKILL of the supervisor ends zygote, children and grandchildren within a second") {
  const int deaths = times(3, 50);
  const auto descriptors = own_descriptors();
  std::chrono::milliseconds longest{};
  for (int i = 0; i < deaths; ++i) {
    Host host;
    longest = std::max(longest, host.kill(SIGKILL));
  }
  CHECK(longest < 1s);
  CHECK(children_of(::getpid()).empty());
  CHECK(own_descriptors() == descriptors);
  std::printf("counts: %d supervisors, all gone after %ld ms at most\n", deaths,
              long(longest.count()));
}

TEST_CASE("row 19: SIGSEGV of the supervisor prints what crashed, and ends all the others, too") {
  const int deaths = times(2, 20);
  std::chrono::milliseconds longest{};
  for (int i = 0; i < deaths; ++i) {
    Host host;
    longest = std::max(longest, host.kill(SIGSEGV));
    const auto said = host.errors();
    CAPTURE(said);
    CHECK(said.find("SIGSEGV") != std::string::npos);
  }
  CHECK(longest < 1s);
  CHECK(children_of(::getpid()).empty());
  std::printf("counts: %d supervisors, all gone after %ld ms at most\n", deaths,
              long(longest.count()));
}
