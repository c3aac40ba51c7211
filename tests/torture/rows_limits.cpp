// SPDX-License-Identifier: MIT
// No descriptors, no processes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "tests/torture/invariants.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::torture;
using namespace std::literals;

extern char** environ;

namespace {

/// Leaves this process so many free descriptors, until it is destroyed.
class Hoard {
 public:
  explicit Hoard(int left) {
    int highest = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
      highest = std::max(highest, std::stoi(entry.path().filename()));
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = static_cast<rlim_t>(highest) + 32;
    ::setrlimit(RLIMIT_NOFILE, &lower);
    take_all();
    for (int i = 0; i < left; ++i) taken_.pop_back();
  }
  Hoard(const Hoard&) = delete;
  Hoard& operator=(const Hoard&) = delete;
  ~Hoard() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  void take_all() {
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.emplace_back(fd);
  }

 private:
  rlimit before_{};
  std::vector<ipc::UniqueFd> taken_;
};

constexpr std::size_t kLarge = 40'000;  // beyond what a record holds

/// Of the user that process belongs to, and only where it forks. By that user's own hand: root may lack the right to.
void limit_processes(pid_t zygote, std::string most) {
  std::string program = required_env("TORTURE_UNPRIVILEGED");
  std::string pid = std::to_string(zygote), order = "--limit";
  char* arguments[] = {program.data(), order.data(), pid.data(), most.data(), nullptr};
  pid_t helper = 0;
  REQUIRE(::posix_spawn(&helper, program.c_str(), nullptr, nullptr, arguments, environ) == 0);
  int status = -1;
  REQUIRE(::waitpid(helper, &status, 0) == helper);
  REQUIRE(status == 0);
}

}  // namespace

TEST_CASE(
    "row 28: large messages wait for descriptors with their places, others do not, and not for "
    "ever") {
  auto options = torture_options(3);
  options.resource_patience = 1s;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    const std::string large(kLarge, 'l');
    {
      std::array<Running, 2> waiting{Running(row.io()), Running(row.io())};
      {
        const Hoard hoard(0);
        for (auto& one : waiting) one.start(row.fixture(), "spin", large, 0);
        for (int i = 0; i < 20; ++i) {
          const auto small = co_await row.fixture().call("say_hello", "you"s);
          CHECK(result<std::string>(small) == "Hello, you!");
          co_await supervisor::pause(10ms);
        }
        for (auto& one : waiting) CHECK_FALSE(one.outcome);
        CHECK(row.pool().capacity() == row.children());
      }
      for (auto& one : waiting) {
        co_await one.until_ended();
        CHECK(result<std::string>(*one.outcome) == large);
      }
    }
    // Larger than the segments that are there already.
    const std::string larger(4 * kLarge, 'l');
    std::optional<Hoard> hoard(0);
    const auto since = std::chrono::steady_clock::now();
    const auto given_up = co_await row.fixture().call("spin", larger, 0);
    CHECK(std::chrono::steady_clock::now() - since >= 1s);
    CHECK(type_of(given_up) == "WorkerResources");
    CHECK_FALSE(failure(given_up).application_failure_info().non_retryable());
    // An answer waits in its child.
    {
      Running waiting(row.io());
      waiting.start(row.fixture(), "repeat", "r"s, static_cast<int>(larger.size()));
      co_await waiting.until_started();
      const auto small = co_await row.fixture().call("say_hello", "you"s);
      CHECK(result<std::string>(small) == "Hello, you!");
      CHECK_FALSE(waiting.outcome);
      hoard.reset();
      co_await waiting.until_ended();
      CHECK(result<std::string>(*waiting.outcome).size() == larger.size());
    }
    // Not for ever: the next one is larger again.
    hoard.emplace(0);
    const auto answer =
        co_await row.fixture().call("repeat", "r"s, 4 * static_cast<int>(larger.size()));
    CHECK(type_of(answer) == "WorkerResources");
    CHECK_FALSE(failure(answer).application_failure_info().non_retryable());
    hoard.reset();
    const auto after = co_await row.fixture().call("spin", larger, 0);
    CHECK(result<std::string>(after) == larger);
    row.count("6 large messages");
  });
}

TEST_CASE(
    "row 29: a child that cannot be made for want of descriptors is made when there are some") {
  auto options = torture_options(1);
  options.offload_children = 1;
  options.reap_after = 1ms;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    const auto refused = [&] {
      return row.fixture().log.contain("no memory or descriptors for a child");
    };
    const auto gone = [&]() -> asio::awaitable<void> {
      while (row.pool().child_pids().size() > static_cast<std::size_t>(row.children()))
        co_await supervisor::pause(1ms);
    };
    int refusals = 0;
    // Two memories, two ends of a socket, two bells, an ear, two ends of a pipe: one of them is not to be had.
    for (int left = 0; left <= 9; ++left) {
      CAPTURE(left);
      row.fixture().log.lines.clear();
      Running wants(row.io(), Share::offload);
      {
        const Hoard hoard(left);
        wants.start(row.fixture(), "own_pid");
        while (!refused() && !wants.outcome) co_await supervisor::pause(1ms);
        CHECK(refused() == (left < 9));
        refusals += refused();
        CHECK_FALSE(row.pool().degraded());
        const auto beside = co_await row.fixture().call("say_hello", "you"s);
        CHECK(result<std::string>(beside) == "Hello, you!");
      }
      co_await wants.until_ended();
      CHECK(result<int>(*wants.outcome) > 0);
      co_await gone();
    }
    // Room to make it, and none for the pidfd that the zygote sends back: its death is reported all the same.
    Running without(row.io(), Share::offload);
    {
      Hoard hoard(9);
      without.start(row.fixture(), "beat_and_wait", 1);
      while (row.pool().counts().starting == 0) co_await asio::post(row.io(), asio::use_awaitable);
      hoard.take_all();
      co_await without.until_beaten();
    }
    ::kill(without.handle.pid(), SIGKILL);
    row.expect("killed");
    co_await without.until_ended();
    CHECK(type_of(*without.outcome) == "ActivityProcessKilled");
    co_await gone();
    row.count(std::to_string(refusals) + " refusals");
  });
}

TEST_CASE(
    "row 30: a fork that the system refuses is tried again, and running work does not notice") {
  auto options = torture_options(2);
  if (!give_to_nobody(options)) return;
  Invariants row(options);
  row.hold([&]() -> asio::awaitable<void> {
    const auto refusals = [&] {
      return std::ranges::count_if(row.fixture().log.lines, [](const auto& line) {
        return line.find("cannot fork a child") != std::string::npos;
      });
    };
    limit_processes(row.pool().zygote_pid(), "1");
    row.watch().forgive();
    ::kill(row.victims().front(), SIGKILL);
    row.expect("killed");
    while (refusals() < 2) {
      const auto beside = co_await row.fixture().call("say_hello", "you"s);
      CHECK(result<std::string>(beside) == "Hello, you!");
      co_await supervisor::pause(10ms);
    }
    CHECK(row.fixture().log.contain("Resource temporarily unavailable"));
    CHECK(row.pool().capacity() == row.children() - 1);
    limit_processes(row.pool().zygote_pid(), "1000000");
    row.watch().forgive();
    co_await until_full(row.fixture(), row.children());
    row.expect("not_started", static_cast<std::uint64_t>(refusals()));
    row.count(std::to_string(refusals()) + " refusals");
  });
}
