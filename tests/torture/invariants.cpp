// SPDX-License-Identifier: MIT
#include "tests/torture/invariants.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "supervisor/children/lifespan.hpp"

namespace temporal::supervisor::children::torture {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMayGrow = 32 << 20;  // an arena is 0.65 MiB: fifty of them

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    names.insert(entry.path().filename());
  return names;
}

bool readable_by_all(const std::filesystem::path& file) {
  namespace fs = std::filesystem;
  const auto allows = [](const fs::path& path, fs::perms wanted) {
    return (fs::status(path).permissions() & wanted) == wanted;
  };
  if (!allows(file, fs::perms::others_read)) return false;
  for (auto folder = file.parent_path(); folder != folder.root_path();
       folder = folder.parent_path())
    if (!allows(folder, fs::perms::others_exec)) return false;
  return true;
}

}  // namespace

bool full() { return from_env("TORTURE_FULL", 0) == 1; }

unsigned seed() {
  const auto chosen =
      static_cast<unsigned>(from_env("TORTURE_SEED", int(std::random_device{}() & 0x7fffffff)));
  std::printf("seed: %u\n", chosen);
  return chosen;
}

PoolOptions torture_options(int children) {
  auto pool = options(children + 1);
  pool.program.modules.emplace_back(required_env("HOSTILE_MODULE"));
  // Names are the watchdog's business; that the stack was walked to its end is the row's.
  pool.name_stack = [](std::vector<std::uintptr_t> frames, std::function<void(NamedStack)> done) {
    done({{std::to_string(frames.size()) + " frames"}, {}});
  };
  return pool;
}

Invariants::Invariants(PoolOptions options, Bounds bounds)
    : bounds_(bounds),
      children_(options.children),
      descriptors_(own_descriptors()),
      processes_(children_of(::getpid())),
      shared_(names_in("/dev/shm")) {
  fixture_.emplace(std::move(options));
  watch_.emplace(fixture_->io);
  if (bounds_.bystander) bystander_.emplace(fixture_->io);
}

bool niceness_can_be_taken_back() {
  const pid_t probe = ::fork();
  if (probe == 0) {
    const int before = ::getpriority(PRIO_PROCESS, 0);
    const sched_param none{};
    const bool can = ::setpriority(PRIO_PROCESS, 0, before + 1) == 0 &&
                     ::setpriority(PRIO_PROCESS, 0, before) == 0 &&
                     ::sched_setscheduler(0, SCHED_IDLE, &none) == 0 &&
                     ::sched_setscheduler(0, SCHED_OTHER, &none) == 0;
    ::_exit(can ? 0 : 1);
  }
  int status = -1;
  return ::waitpid(probe, &status, 0) == probe && status == 0;
}

bool give_to_nobody(PoolOptions& options) {
  if (::getuid() != 0) return true;
  for (const char* needed : {"TEMPORAL_CHILD", "TEST_MODULE", "HOSTILE_MODULE"})
    if (!readable_by_all(required_env(needed))) {
      MESSAGE("skipped: root is not bound by this, and another user cannot read "
              << required_env(needed));
      return false;
    }
  options.program.executable = required_env("TORTURE_UNPRIVILEGED");
  return true;
}

void Invariants::hold(const std::function<asio::awaitable<void>()>& row) {
  std::size_t resident = 0;
  fixture_->run([&]() -> asio::awaitable<void> {
    watch_->start();
    co_await pool().start();
    if (bystander_) {
      bystander_->start(*fixture_, "beat_and_wait", 1);
      co_await bystander_->until_beaten();
    }
    resident = resident_bytes(::getpid());
    co_await row();
    co_await until_full(*fixture_, children_);
    co_await until_settled(bounds_.bystander ? 1 : 0);
    CHECK_MESSAGE(pool().capacity() == children_, "I5");
    if (bounds_.loops)
      CHECK_MESSAGE(resident_bytes(::getpid()) < resident + kMayGrow, "I1: memory");
    if (bystander_) {
      CHECK_MESSAGE(!bystander_->outcome, "I3");
      bystander_->handle.cancel(CancelReason::requested);
      co_await bystander_->until_ended();
      CHECK_MESSAGE(result<std::string>(*bystander_->outcome) == "requested", "I3");
      co_await until_settled(0);
    }
    co_await pool().stop();
    watch_->stop();
  });
  CHECK_MESSAGE(pool().child_pids().empty(), "I4");
  io().restart();
  io().run();  // ends: nothing waits for anything any more
  CHECK_MESSAGE(fixture_->begun == fixture_->ended, "I2");
  const auto longest = watch_->longest();
  CHECK_MESSAGE(longest <= bounds_.longest_hold, "I1: the loop, for us " << longest.count());
  exits_ = pool().counts().exits;
  check_exits();
  std::printf("counts: %sloop held %.1f ms at most\n", counts_.c_str(),
              static_cast<double>(longest.count()) / 1000);
  bystander_.reset();
  watch_.reset();
  fixture_.reset();
  CHECK_MESSAGE(own_descriptors() == descriptors_, "I1: descriptors");
  CHECK_MESSAGE(children_of(::getpid()) == processes_, "I1, I4: processes");
  CHECK_MESSAGE(names_in("/dev/shm") == shared_, "I4");
}

asio::awaitable<void> Invariants::until_settled(int busy) {
  const auto settled = [&] {
    const auto now = pool().counts();
    return now.starting == 0 && now.stopping == 0 && now.busy == busy &&
           now.idle + busy == children_;
  };
  while (!settled()) co_await pause(std::chrono::milliseconds(1));
}

void Invariants::check_exits() const {
  std::map<std::string, std::uint64_t, std::less<>> left;
  for (const auto& [reason, deaths] : exits_)
    if (reason != "stopped") left[std::string(reason)] = deaths;
  for (const auto& [reasons, deaths] : expected_any_) {
    std::uint64_t found = 0;
    for (const auto& reason : reasons)
      if (auto one = left.find(reason); one != left.end()) {
        found += one->second;
        left.erase(one);
      }
    CHECK_MESSAGE(found == deaths, "I6: " << *reasons.begin() << " and the like");
  }
  std::string seen, wanted;
  for (const auto& [reason, deaths] : left) seen += reason + " " + std::to_string(deaths) + " ";
  for (const auto& [reason, deaths] : expected_)
    wanted += reason + " " + std::to_string(deaths) + " ";
  CHECK_MESSAGE(seen == wanted, "I6");
}

void Invariants::expect(std::string_view reason, std::uint64_t deaths) {
  if (deaths > 0) expected_[std::string(reason)] += deaths;
}

void Invariants::expect_any_of(std::set<std::string, std::less<>> reasons, std::uint64_t deaths) {
  expected_any_.emplace_back(std::move(reasons), deaths);
}

void Invariants::count(const std::string& what) { counts_ += what + ", "; }

std::vector<pid_t> Invariants::victims() const {
  auto pids = fixture_->pool.child_pids();
  std::erase_if(pids, [&](pid_t pid) {
    return !alive(pid) || (bystander_ && pid == bystander_->handle.pid());
  });
  return pids;
}

}  // namespace temporal::supervisor::children::torture
