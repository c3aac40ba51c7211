// SPDX-License-Identifier: MIT
// How a pool starts, or says why it cannot, and how it ends.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "shared/ipc/memory.hpp"
#include "supervisor/children/placement.hpp"
#include "tests/supervisor/children/pool_fixture.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;

TEST_CASE("the notice of a shutdown is seen, and is no cancellation") {
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running running(fixture.io);
    running.start(fixture, "until_notice");
    co_await running.until_started();
    fixture.pool.notify_shutdown();
    co_await running.until_ended();
    CHECK(std::holds_alternative<Completed>(*running.outcome));
  });
}

TEST_CASE("stopping cancels what runs, refuses what waits and what comes, and leaves no process") {
  auto descriptors = own_descriptors();
  {
    PoolFixture fixture(options(1));
    Running running(fixture.io), waiting(fixture.io), late(fixture.io);
    fixture.with_pool([&]() -> asio::awaitable<void> {
      running.start(fixture, "beat_and_wait", 1);
      co_await running.until_beaten();
      waiting.start(fixture, "no_op");
      co_await fixture.pool.stop();
      late.start(fixture, "no_op");
      co_await late.until_ended();
    });
    REQUIRE(running.outcome);
    CHECK(result<std::string>(*running.outcome) == "worker_shutdown");
    REQUIRE(waiting.outcome);
    CHECK(type_of(*waiting.outcome) == "WorkerShutdown");
    CHECK(type_of(*late.outcome) == "WorkerShutdown");
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("stopping kills what is deaf to cancellation and SIGTERM") {
  auto quick = options(1);
  quick.child.term_grace = 50ms;
  PoolFixture fixture(quick);
  Running running(fixture.io);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    running.start(fixture, "ignore_everything");
    co_await running.until_beaten();
    co_await fixture.pool.stop(50ms);
  });
  REQUIRE(running.outcome);
  CHECK(type_of(*running.outcome) == "WorkerShutdown");
  CHECK(std::get<Died>(*running.outcome).killed_here);
  CHECK(details_of(*running.outcome)["signal"] == SIGKILL);
}

TEST_CASE("AX14 pinned children have one core each, all of them the same number of children") {
  const auto cores = allowed_cores();
  auto pinned = options(2 * static_cast<int>(cores.size()));
  pinned.cores = cores;
  PoolFixture fixture(std::move(pinned));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::map<std::string, int> children;
    for (const pid_t pid : fixture.pool.child_pids()) {
      cpu_set_t set;
      REQUIRE(::sched_getaffinity(pid, sizeof set, &set) == 0);
      REQUIRE(CPU_COUNT(&set) == 1);
      for (const int core : cores) children[std::to_string(core)] += CPU_ISSET(core, &set) ? 1 : 0;
    }
    for (const int core : cores) CHECK(children[std::to_string(core)] == 2);
    // So has what takes a dead one's place.
    const auto before = co_await fixture.call("own_cores");
    (void)co_await fixture.call("crash");
    co_await until_full(fixture, static_cast<int>(2 * cores.size()));
    const auto after = co_await fixture.call("own_cores");
    CHECK(children.contains(result<std::string>(before)));
    CHECK(children.contains(result<std::string>(after)));
  });
}

TEST_CASE("a module that cannot be loaded stops the start with the loader's sentence") {
  auto descriptors = own_descriptors();
  {
    auto missing = options(1);
    // Not UTF-8, as what a constructor of the module throws may be.
    missing.program.modules = {"/nowhere/libmissing\xff.so"};
    const auto refused = refused_start(missing);
    CHECK(refused.sentence.find("/nowhere/libmissing\xff.so") != std::string::npos);
    CHECK(refused.module);
  }
  CHECK(own_descriptors() == descriptors);
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("a start that cannot succeed says why") {
  auto sentence_of = [](PoolOptions pool_options) {
    PoolFixture fixture(std::move(pool_options));
    std::string sentence;
    fixture.run([&]() -> asio::awaitable<void> {
      try {
        co_await fixture.pool.start();
        FAIL_CHECK("it started");
        co_await fixture.pool.stop();
      } catch (const PoolError& error) {
        sentence = error.what();
      }
    });
    std::string log;
    for (const auto& line : fixture.log.lines) log += line + "\n";
    return sentence + "\n" + log;
  };
  auto no_program = options(1);
  no_program.program.executable = "/nowhere/temporal-child";
  CHECK(sentence_of(no_program).find("/nowhere/temporal-child") != std::string::npos);

  auto other_build = options(1);
  other_build.fingerprint = "another build";
  CHECK(sentence_of(other_build).find("another build") != std::string::npos);

  // fork() copies one thread and the locks of all: refused, with advice.
  CHECK(sentence_of(options(1, "THREADED_MODULE")).find("must not start threads") !=
        std::string::npos);
}

TEST_CASE(
    "the zygote's program may be a descriptor, so that replacing the file breaks no respawn") {
  auto by_descriptor = options(1);
  ipc::UniqueFd program(::open(by_descriptor.program.executable.c_str(), O_RDONLY | O_CLOEXEC));
  by_descriptor.program.executable = "/proc/self/fd/" + std::to_string(program.get());
  PoolFixture fixture(by_descriptor);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
  });
}

TEST_CASE("no children means no zygote, and a task is refused") {
  auto none = options(0);
  PoolFixture fixture(none);
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(fixture.pool.zygote_pid() == 0);
    CHECK(fixture.pool.capacity() == 0);
    CHECK(std::holds_alternative<Failed>(co_await fixture.call("no_op")));
  });
}

TEST_CASE("memory without seals is said aloud, once, and only where there is no other") {
  PoolFixture fixture(options(2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
  });
  const auto said = std::ranges::count_if(fixture.log.lines, [](const auto& line) {
    return line.find("memfd_create is denied") != std::string::npos;
  });
  CHECK(said == (ipc::memory_can_be_sealed() ? 0 : 1));
}

TEST_CASE("what runs in a child cannot trace; where that cannot be had it is said, once") {
  for (const bool denied : {false, true}) {
    CAPTURE(denied);
    auto pool = options(2);
    if (denied) pool.program.executable = required_env("OLD_CONTAINER");
    ::setenv("DENIED", "seccomp", 1);
    PoolFixture fixture(pool);
    fixture.with_pool([&]() -> asio::awaitable<void> {
      const auto filter = co_await fixture.call("own_status", "Seccomp:"s);
      CHECK(result<std::string>(filter) == "2");
      const auto privileges = co_await fixture.call("own_status", "NoNewPrivs:"s);
      CHECK(result<std::string>(privileges) == "1");
      const auto traced = co_await fixture.call("trace_own_child");
      CHECK(result<bool>(traced) == denied);
    });
    ::unsetenv("DENIED");
    const auto said = std::ranges::count_if(fixture.log.lines, [](const auto& line) {
      return line.find("confined in part only (seccomp: ") != std::string::npos;
    });
    CHECK(said == (denied ? 1 : 0));
  }
}

TEST_CASE("AX11 what a zygote has loaded is on huge pages, where the kernel can do that") {
  constexpr std::size_t kHugePage = 2 << 20;
  void* probe =
      ::mmap(nullptr, 2 * kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(probe != MAP_FAILED);
  const auto aligned = (reinterpret_cast<std::uintptr_t>(probe) + kHugePage - 1) & -kHugePage;
  *reinterpret_cast<char*>(aligned) = 'p';
  const bool can =
      ::madvise(reinterpret_cast<void*>(aligned), kHugePage, 25) == 0;  // MADV_COLLAPSE
  ::munmap(probe, 2 * kHugePage);
  std::string modes;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), modes);
  if (!can || modes.find("[never]") != std::string::npos) {
    MESSAGE("skipped: this system does not make huge pages on demand");
    return;
  }
  ::setenv("TEST_BALLAST_MIB", "64", 1);
  PoolFixture fixture(options(1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    std::ifstream file("/proc/" + std::to_string(fixture.pool.zygote_pid()) + "/smaps_rollup");
    std::size_t kib = 0;
    for (std::string word; file >> word;)
      if (word == "AnonHugePages:") file >> kib;
    CHECK(kib >= 16 * 1024);  // as far as there are such pages
    CHECK(result<std::string>(co_await fixture.call("say_hello", "World"s)) == "Hello, World!");
  });
  ::unsetenv("TEST_BALLAST_MIB");
}
