// SPDX-License-Identifier: MIT
// Nobody outlives the supervisor.
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal::supervisor::children::test;
using namespace std::literals;

extern char** environ;

TEST_CASE("F015 kill -9 of the supervisor takes zygote, children and what they started with it") {
  std::string program = required_env("POOL_HOST");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  char* arguments[] = {program.data(), nullptr};
  pid_t host = 0;
  REQUIRE(::posix_spawn(&host, program.c_str(), &files, nullptr, arguments, environ) == 0);
  ::posix_spawn_file_actions_destroy(&files);
  ::close(ends[1]);

  std::string line;
  for (char c; ::read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
  ::close(ends[0]);
  std::istringstream words(line);
  std::vector<pid_t> pids;
  for (pid_t pid; words >> pid;) pids.push_back(pid);
  REQUIRE(pids.size() == 7);  // a zygote, three children, three daemons
  for (pid_t pid : pids) CHECK(alive(pid));

  const auto killed_at = std::chrono::steady_clock::now();
  ::kill(host, SIGKILL);
  auto any_alive = [&] { return std::ranges::any_of(pids, alive); };
  while (any_alive() && std::chrono::steady_clock::now() - killed_at < 5s)
    std::this_thread::sleep_for(1ms);
  auto took = std::chrono::steady_clock::now() - killed_at;
  CHECK_FALSE(any_alive());
  MESSAGE("all gone after " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
                            << " ms");
  // They came to this process, if a pool of an earlier test made it a subreaper.
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}
