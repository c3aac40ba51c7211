// SPDX-License-Identifier: MIT
// Systems that deny what the pool would rather have.
#include <doctest/doctest.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/torture/invariants.hpp"

using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;
namespace asio = boost::asio;
namespace ipc = temporal::ipc;

extern char** environ;

namespace {

constexpr std::array kQuick{1, 5, 11, 15, 16, 24, 27, 33, 43, 44, 49, 59};
// All that promise nothing that hangs on seals.
constexpr std::array kAll{1,  3,  4,  5,  6,  10, 11, 12, 14, 15, 16, 17, 18, 19, 24, 25, 26, 27,
                          28, 29, 30, 33, 37, 38, 40, 41, 43, 44, 46, 47, 48, 49, 50, 52, 53, 59};

struct Ended {
  int status = -1;
  std::string said;
};

Ended run(std::vector<std::string> words) {
  std::vector<char*> arguments, variables;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // As often as in every run: what is new is the system, not the count.
  for (char** one = environ; *one; ++one)
    if (!std::string_view(*one).starts_with("TORTURE_FULL=")) variables.push_back(*one);
  variables.push_back(nullptr);
  std::array<int, 2> out{};
  REQUIRE(::pipe2(out.data(), O_CLOEXEC) == 0);
  const ipc::UniqueFd reader(out[0]);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, out[1], STDERR_FILENO);
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, arguments.front(), &files, nullptr, arguments.data(), variables.data());
  ::posix_spawn_file_actions_destroy(&files);
  ::close(out[1]);
  REQUIRE(error == 0);
  Ended ended;
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = ::read(reader.get(), buffer.data(), buffer.size())) > 0;)
    ended.said.append(buffer.data(), static_cast<std::size_t>(size));
  REQUIRE(::waitpid(pid, &ended.status, 0) == pid);
  return ended;
}

}  // namespace

TEST_CASE("row 56: where memfd_create, pidfd_open and clone3 are denied the same rows hold") {
  std::string rows;
  int count = 0;
  const auto add = [&](int row) {
    rows += (count++ == 0 ? "-tc=row " : ",row ") + std::to_string(row) + ":*";
  };
  if (full())
    for (const int row : kAll) add(row);
  else
    for (const int row : kQuick) add(row);
  const auto [status, said] =
      run({required_env("OLD_CONTAINER"), std::filesystem::read_symlink("/proc/self/exe"), rows});
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    MESSAGE("skipped: row 56, no filter of system calls can be installed here");
    return;
  }
  CAPTURE(said);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(said.find(" 0 failed") != std::string::npos);
  std::printf("counts: %d rows\n", count);
}

// In a process of its own, and not by itself: where memfds are denied, and what is mounted here is seen by nobody else.
TEST_CASE("without memfds and with a small /dev/shm" * doctest::skip()) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", "/dev/shm", "tmpfs", 0, "size=8m") != 0) {
    std::puts("skipped: no file system may be mounted here");
    return;
  }
  Invariants row(torture_options(2));
  row.hold([&]() -> asio::awaitable<void> {
    const std::filesystem::path filler = "/dev/shm/filler";
    {
      std::ofstream file(filler);
      for (const std::string page(4096, 'f'); file << page << std::flush;) {
      }
    }
    row.pool().set_children(row.children() + 2);
    while (!row.fixture().log.contain("no memory or descriptors for a child")) {
      const auto beside = co_await row.fixture().call("say_hello", "you"s);
      CHECK(result<std::string>(beside) == "Hello, you!");
    }
    CHECK(row.pool().capacity() == row.children());
    std::filesystem::remove(filler);
    co_await until_full(row.fixture(), row.children() + 2);
    row.pool().set_children(row.children());
  });
}

TEST_CASE("row 31: memory that is refused to a child is asked for again, and nobody dies of it") {
  const auto [status, said] =
      run({required_env("OLD_CONTAINER"), std::filesystem::read_symlink("/proc/self/exe"), "-ns",
           "-tc=without memfds and with a small /dev/shm"});
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || said.find("skipped: ") == 0 ||
                            said.find("\nskipped: ") != std::string::npos)) {
    MESSAGE("skipped: row 31, neither calls can be denied nor file systems mounted here");
    return;
  }
  CAPTURE(said);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(said.find(" 1 passed | 0 failed") != std::string::npos);
  std::printf("counts: 2 children refused\n");
}
