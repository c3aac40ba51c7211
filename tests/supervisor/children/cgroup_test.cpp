// SPDX-License-Identifier: MIT
// Children with a cgroup each: what is held to a task's limit, who is told that it was over it, and what is left behind.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "supervisor/children/delegated_cgroup.hpp"
#include "supervisor/own_cgroup.hpp"
#include "tests/supervisor/children/pool_fixture.hpp"
#include "tests/support/cgroup_folder.hpp"
#include "tests/support/folder.hpp"

using namespace temporal;
using namespace temporal::supervisor::children;
using namespace temporal::supervisor::children::test;
using namespace std::literals;
using temporal::test::CgroupFolder;
using temporal::test::Folder;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

std::optional<CgroupFolder> own_folder() {
  auto folder = CgroupFolder::make();
  if (!folder)
    MESSAGE("skipped: no cgroup (version 2) with the memory controller may be made here");
  return folder;
}

PoolOptions in_cgroups(const CgroupFolder& folder, int children) {
  auto pool = options(children);
  pool.child.cgroups = DelegatedCgroup::below(folder.path());
  return pool;
}

std::string refused_below(const fs::path& folder) {
  try {
    (void)DelegatedCgroup::below(folder);
  } catch (const CgroupError& error) {
    return error.what();
  }
  return "";
}

fs::path cgroup_of(pid_t pid) {
  std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::/")) return "/sys/fs/cgroup" + line.substr(3);
  return {};
}

// It may take 100 MiB if it is bound, with its helpers.
asio::awaitable<Outcome> hold(PoolFixture& fixture, bool bound, int mib, int helpers) {
  AttemptHandle handle;
  if (bound) handle.memory = 100 * kMiB;
  co_return co_await fixture.call_with(handle, bound ? "hold_memory_bound" : "hold_memory", mib,
                                       helpers);
}

// In a process of its own, which ends as if it were killed. Its exit code.
template <class What>
int in_process(What what) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) ::_exit(what());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Stays in `group`, in a session of its own, and holds nothing else.
pid_t daemon_in(const fs::path& group) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    ::close_range(3, ~0U, 0);
    for (;;) ::pause();
  }
  if (write_kernel_file(group / "cgroup.procs", std::to_string(pid))) ::kill(pid, SIGKILL);
  return pid;
}

}  // namespace

TEST_CASE("a folder that is of no use for cgroups is refused with a sentence") {
  const Folder plain;
  CHECK(refused_below(plain.path()).find("it is no folder of the cgroup tree (version 2)") !=
        std::string::npos);
  CHECK(refused_below(plain.path() / "none").find("No such file") != std::string::npos);
  const auto folder = own_folder();
  if (!folder) return;
  // Nobody handed memory down to what is below it.
  const auto below = folder->path() / "without";
  REQUIRE(::mkdir(below.c_str(), 0755) == 0);
  CHECK(refused_below(below).find("it has no memory controller") != std::string::npos);
  CHECK(::rmdir(below.c_str()) == 0);
}

TEST_CASE("what a task starts is held to its limit with it, and nobody else notices") {
  const auto folder = own_folder();
  if (!folder) return;
  PoolFixture fixture(in_cgroups(*folder, 2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running bystander(fixture.io);
    bystander.start(fixture, "beat_and_wait", 1);
    co_await bystander.until_beaten();
    // 4 x 40 MiB: each is below the limit.
    const auto over = co_await hold(fixture, true, 40, 3);
    CHECK(type_of(over) == "ActivityProcessOutOfMemory");
    CHECK_FALSE(failure(over).application_failure_info().non_retryable());
    CHECK(failure(over).message().find("took more memory than the 104857600 bytes that this "
                                       "activity may") != std::string::npos);
    const auto details = details_of(over);
    CHECK(details["signal"] == SIGKILL);
    CHECK(details["memory_peak_kb"].get<std::size_t>() >= 100 * 1024);
    CHECK_FALSE(std::get<Died>(over).killed_here);
    co_await until_full(fixture, 2);
    const auto within = co_await hold(fixture, true, 20, 3);
    CHECK(result<int>(within) == 3);
    const auto unbound = co_await hold(fixture, false, 40, 3);
    CHECK(result<int>(unbound) == 3);
    CHECK_FALSE(bystander.outcome);
    bystander.handle.cancel(CancelReason::requested);
    co_await bystander.until_ended();
  });
  CHECK(fixture.pool.counts().exits.at("out_of_memory") == 1);
}

TEST_CASE("a limit counts from what its child holds when the task starts, and ends with it") {
  const auto folder = own_folder();
  if (!folder) return;
  PoolFixture fixture(in_cgroups(*folder, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    const auto pid = result<int>(co_await fixture.call("leak", 100));
    for (int i = 0; i < 3; ++i) {
      const auto bound = co_await hold(fixture, true, 20, 3);
      CHECK(result<int>(bound) == 3);
      const auto unbound = co_await hold(fixture, false, 60, 3);
      CHECK(result<int>(unbound) == 3);
    }
    CHECK(result<int>(co_await fixture.call("own_pid")) == pid);
  });
  CHECK(fixture.pool.counts().exits == std::map<std::string_view, std::uint64_t>{{"stopped", 1}});
}

TEST_CASE("files that earlier tasks had read count for nobody") {
  const auto folder = own_folder();
  if (!folder) return;
  const auto files = required_env("TEMPORAL_BUILD");
  PoolFixture fixture(in_cgroups(*folder, 1));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    // As much in the page cache of the child's cgroup as the task may take, and half.
    CHECK(result<int>(co_await fixture.call("cache_files", files, 300)) > 100);
    const auto over = co_await hold(fixture, true, 40, 3);
    CHECK(type_of(over) == "ActivityProcessOutOfMemory");
    co_await until_full(fixture, 1);
    CHECK(result<int>(co_await fixture.call("cache_files", files, 300)) > 100);
    const auto within = co_await hold(fixture, true, 20, 3);
    CHECK(result<int>(within) == 3);
  });
}

TEST_CASE("a pool's limit for tasks without one of their own is held by the cgroup too") {
  const auto folder = own_folder();
  if (!folder) return;
  for (const bool exec_children : {false, true}) {
    auto pool = in_cgroups(*folder, 1);
    pool.child.memory = 1024 * kMiB;  // of address space: far from it
    pool.program.exec_children = exec_children;
    PoolFixture fixture(std::move(pool));
    fixture.with_pool([&]() -> asio::awaitable<void> {
      const auto group = cgroup_of(fixture.pool.child_pids().front());
      const auto limit_now = [&] {
        std::string limit;
        std::ifstream(group / "memory.max") >> limit;
        return limit;
      };
      CHECK(limit_now() == "max");
      Running running(fixture.io);
      running.start(fixture, "beat_and_wait", 1);
      co_await running.until_beaten();
      CHECK(std::stoull(limit_now()) > 1024 * kMiB);
      CHECK(std::stoull(limit_now()) < 1100 * kMiB);
      running.handle.cancel(CancelReason::requested);
      co_await running.until_ended();
      CHECK(limit_now() == "max");
    });
  }
}

TEST_CASE(
    "a signal 9 that was a person's is told from one of the kernel's by the child's own count") {
  const auto folder = own_folder();
  if (!folder) return;
  PoolFixture fixture(in_cgroups(*folder, 2));
  fixture.with_pool([&]() -> asio::awaitable<void> {
    Running killed(fixture.io);
    killed.start(fixture, "beat_and_wait", 1);
    co_await killed.until_beaten();
    const auto over = co_await hold(fixture, true, 40, 3);
    CHECK(type_of(over) == "ActivityProcessOutOfMemory");
    ::kill(killed.handle.pid(), SIGKILL);
    co_await killed.until_ended();
    CHECK(type_of(*killed.outcome) == "ActivityProcessKilled");
    co_await until_full(fixture, 2);
  });
}

TEST_CASE("each child has a cgroup, however it starts, and it goes with its child") {
  const auto folder = own_folder();
  if (!folder) return;
  for (const bool exec_children : {false, true}) {
    auto pool = in_cgroups(*folder, 2);
    pool.program.exec_children = exec_children;
    PoolFixture fixture(std::move(pool));
    fixture.with_pool([&]() -> asio::awaitable<void> {
      const auto pids = fixture.pool.child_pids();
      const auto first = cgroup_of(pids[0]), second = cgroup_of(pids[1]);
      CHECK(first.parent_path().parent_path() == folder->path());
      CHECK(first.parent_path() == second.parent_path());
      CHECK(first != second);
      CHECK(CgroupFolder::folders_in(first.parent_path()) == 2);
      // With a grandchild in a session of its own.
      Running running(fixture.io);
      running.start(fixture, "start_daemon");
      co_await running.until_beaten();
      const auto daemon = std::stoi(running.take()->details);
      const auto group = cgroup_of(running.handle.pid());
      CHECK(cgroup_of(daemon) == group);
      ::kill(running.handle.pid(), SIGKILL);
      co_await running.until_ended();
      co_await until_full(fixture, 2);
      while (fs::exists(group)) co_await temporal::supervisor::pause(1ms);
      CHECK_FALSE(alive(daemon));
      CHECK(CgroupFolder::folders_in(first.parent_path()) == 2);
    });
  }
  CHECK(folder->folders() == 0);
}

TEST_CASE("what the zygote could not find is ended with the cgroup, those made in it included") {
  const auto folder = own_folder();
  if (!folder) return;
  auto cgroups = DelegatedCgroup::below(folder->path());
  const auto group = cgroups->next(), other = cgroups->next();
  for (const auto& one : {group, other, group / "inner"}) REQUIRE(::mkdir(one.c_str(), 0755) == 0);
  const auto victim = daemon_in(group / "inner"), spared = daemon_in(other);
  EndedCgroups gone{.dead = {group}, .not_to_disturb = {other}};
  end(gone);
  CHECK(::waitpid(victim, nullptr, 0) == victim);
  while (!gone.dead.empty()) end(gone);
  CHECK_FALSE(fs::exists(group));
  CHECK(gone.not_to_disturb == std::vector{other});
  CHECK(alive(spared));
  // The worker's end is theirs, whatever they are at.
  cgroups.reset();
  CHECK(::waitpid(spared, nullptr, 0) == spared);
  CHECK(folder->folders() == 0);
}

TEST_CASE(
    "what a worker that was killed has left is ended by the next one, a living one's is not") {
  const auto folder = own_folder();
  if (!folder) return;
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  REQUIRE(in_process([&] {
            static std::shared_ptr<DelegatedCgroup> left;
            left = DelegatedCgroup::below(folder->path());
            const auto group = left->next();
            if (::mkdir(group.c_str(), 0755) != 0) return 1;
            const pid_t daemon = daemon_in(group);
            return ::write(pipe[1], &daemon, sizeof daemon) == sizeof daemon ? 0 : 2;
          }) == 0);
  pid_t daemon = 0;
  REQUIRE(::read(pipe[0], &daemon, sizeof daemon) == sizeof daemon);
  CHECK(alive(daemon));
  CHECK(folder->folders() == 1);
  const auto first = DelegatedCgroup::below(folder->path());
  CHECK(first->ended_at_start() == 1);
  CHECK_FALSE(alive(daemon));
  CHECK(folder->folders() == 1);
  const auto group = first->next();
  REQUIRE(::mkdir(group.c_str(), 0755) == 0);
  const auto of_first = daemon_in(group);
  const auto second = DelegatedCgroup::below(folder->path());
  CHECK(second->ended_at_start() == 0);
  CHECK(folder->folders() == 2);
  CHECK(alive(of_first));
  ::kill(of_first, SIGKILL);
  CHECK(::waitpid(of_first, nullptr, 0) == of_first);
  for (const int end : pipe) ::close(end);
}

TEST_CASE("a worker whose own cgroup was handed down moves aside, unless others are in it") {
  const auto folder = own_folder();
  if (!folder) return;
  const auto own = folder->path() / "service";
  REQUIRE(::mkdir(own.c_str(), 0755) == 0);
  REQUIRE_FALSE(write_kernel_file(folder->path() / "cgroup.subtree_control", "+memory"));
  const auto move_aside = [&] {
    if (write_kernel_file(own / "cgroup.procs", "0")) return 1;
    auto cgroups = DelegatedCgroup::below(own);
    if (cgroup_of(::getpid()) != own / "supervisor") return 2;
    cgroups.reset();
    return cgroup_of(::getpid()) == own ? 0 : 3;
  };
  // At its end it is as it was, so that the next one may start there.
  for (int i = 0; i < 2; ++i) {
    CHECK(in_process(move_aside) == 0);
    CHECK(CgroupFolder::folders_in(own) == 0);
  }
  const auto other = daemon_in(own);
  CHECK(in_process([&] {
          if (write_kernel_file(own / "cgroup.procs", "0")) return 1;
          const auto why = refused_below(own);
          if (why.find("there are processes in it besides this worker") == std::string::npos)
            return 2;
          return cgroup_of(::getpid()) == own ? 0 : 3;
        }) == 0);
  CHECK(CgroupFolder::folders_in(own) == 0);
  ::kill(other, SIGKILL);
  CHECK(::waitpid(other, nullptr, 0) == other);
  CHECK(::rmdir(own.c_str()) == 0);
}

TEST_CASE("at the root of a container's tree a worker moves aside, too") {
  const auto folder = own_folder();
  if (!folder) return;
  const auto own = folder->path() / "container";
  REQUIRE(::mkdir(own.c_str(), 0755) == 0);
  REQUIRE_FALSE(write_kernel_file(folder->path() / "cgroup.subtree_control", "+memory"));
  CHECK(in_process([&] {
          if (write_kernel_file(own / "cgroup.procs", "0")) return 1;
          if (::unshare(CLONE_NEWCGROUP | CLONE_NEWNS) != 0) return 2;
          const fs::path root = "/sys/fs/cgroup";
          if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
              ::umount2(root.c_str(), MNT_DETACH) != 0 ||
              ::mount("cgroup2", root.c_str(), "cgroup2", 0, nullptr) != 0)
            return 3;
          auto cgroups = DelegatedCgroup::below(root);
          return supervisor::own_cgroup_name() == "/supervisor" ? 0 : 4;
        }) == 0);
  CHECK(::rmdir(own.c_str()) == 0);
}

TEST_CASE("who may not move a child to the folder is told so at the start") {
  const auto folder = own_folder();
  if (!folder) return;
  const auto elsewhere = folder->path() / "elsewhere", given = folder->path() / "given";
  for (const auto& one : {elsewhere, given}) REQUIRE(::mkdir(one.c_str(), 0755) == 0);
  REQUIRE_FALSE(write_kernel_file(folder->path() / "cgroup.subtree_control", "+memory"));
  constexpr uid_t kNobody = 65534;
  for (const char* file : {"", "cgroup.procs", "cgroup.subtree_control"})
    REQUIRE(::chown((given / file).c_str(), kNobody, kNobody) == 0);
  CHECK(in_process([&] {
          if (write_kernel_file(elsewhere / "cgroup.procs", "0")) return 1;
          if (::setresuid(kNobody, kNobody, kNobody) != 0) return 2;
          const auto why = refused_below(given);
          const auto sentence =
              "this user may not write cgroup.procs of " + folder->path().string();
          return why.find(sentence) != std::string::npos ? 0 : 3;
        }) == 0);
  CHECK(in_process([&] {
          if (write_kernel_file(given / "cgroup.procs", "0")) return 1;
          if (::setresuid(kNobody, kNobody, kNobody) != 0) return 2;
          return refused_below(given).empty() ? 0 : 3;
        }) == 0);
  for (const auto& one : {elsewhere, given}) CHECK(::rmdir(one.c_str()) == 0);
}

TEST_CASE("a child that cannot have its cgroup says so, and does not start") {
  const auto folder = own_folder();
  if (!folder) return;
  auto pool = in_cgroups(*folder, 1);
  for (const auto& entry : fs::directory_iterator(folder->path()))
    if (entry.is_directory())
      REQUIRE_FALSE(write_kernel_file(entry.path() / "cgroup.max.descendants", "0"));
  const auto refused = refused_start(std::move(pool));
  CHECK(refused.sentence.find("a child cannot make and enter its cgroup") != std::string::npos);
  CHECK(refused.sentence.find("--child-cgroup off does without") != std::string::npos);
}
