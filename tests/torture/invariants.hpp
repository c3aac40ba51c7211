// SPDX-License-Identifier: MIT
// What every row of the torture list checks, whatever it does to the pool:
//
//  I1  no descriptor, process or zombie more than before; the loop held for 50 ms at most; no growth, where a row loops
//  I2  each call that began has had exactly one outcome
//  I3  a task in another child, there from the beginning to the end, notices nothing
//  I4  nothing new under /dev/shm, and no process left, after the pool's stop
//  I5  the pool has its size back
//  I6  the pool counted the deaths that the row caused, by their reasons, and no other
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/supervisor/children/pool_fixture.hpp"
#include "tests/support/folder.hpp"
#include "tests/torture/loop_watch.hpp"

namespace temporal::supervisor::children::torture {

using namespace test;
using Clock = std::chrono::steady_clock;
using temporal::test::Folder;

/// TORTURE_FULL=1: as often as the list says. Otherwise often enough to be seen in every run of the tests.
[[nodiscard]] bool full();
[[nodiscard]] inline int times(int quick, int in_full) { return full() ? in_full : quick; }
/// TORTURE_SEED, or one of its own. Printed.
[[nodiscard]] unsigned seed();

/// Both modules: what activities do to themselves, and what they do to others. One child more, for the bystander.
[[nodiscard]] PoolOptions torture_options(int children);

/// A process of this user that has given up some of its share of the cores may take it back.
[[nodiscard]] bool niceness_can_be_taken_back();

/// Zygote and children are a user's that is not root. False, and said: nobody else can read the programs.
[[nodiscard]] bool give_to_nobody(PoolOptions& options);

struct Bounds {
  std::chrono::milliseconds longest_hold{50};  ///< of the loop
  bool bystander = true;                       ///< no: the row kills everything there is
  bool loops = false;                          ///< it repeats itself, so it must not grow
};

/// One row.
class Invariants {
 public:
  explicit Invariants(PoolOptions options, Bounds bounds = {});

  /// Starts the pool, runs the row, waits for the pool's size, stops it; checks everything.
  void hold(const std::function<asio::awaitable<void>()>& row);

  [[nodiscard]] PoolFixture& fixture() { return *fixture_; }
  [[nodiscard]] ChildPool& pool() { return fixture_->pool; }
  [[nodiscard]] asio::io_context& io() { return fixture_->io; }
  [[nodiscard]] LoopWatch& watch() { return *watch_; }

  /// So many deaths more are the row's doing. By PoolCounts::exits; "stopped" is the pool's own.
  void expect(std::string_view reason, std::uint64_t deaths = 1);
  /// As above, when the row cannot tell which of the reasons it will be.
  void expect_any_of(std::set<std::string, std::less<>> reasons, std::uint64_t deaths);
  /// For the table of tools/torture.
  void count(const std::string& what);

  /// The children that a row may harm.
  [[nodiscard]] std::vector<pid_t> victims() const;
  /// How many of them there are when the pool is whole.
  [[nodiscard]] int size() const { return children_ - (bounds_.bystander ? 1 : 0); }
  [[nodiscard]] int children() const { return children_; }

 private:
  /// Nobody starts, leaves or dies any more.
  asio::awaitable<void> until_settled(int busy);
  void check_exits() const;

  const Bounds bounds_;
  const int children_;
  const std::ptrdiff_t descriptors_;
  const std::vector<pid_t> processes_;
  const std::set<std::string> shared_;
  std::optional<PoolFixture> fixture_;
  std::optional<LoopWatch> watch_;
  std::optional<Running> bystander_;
  std::map<std::string, std::uint64_t, std::less<>> expected_;
  std::vector<std::pair<std::set<std::string, std::less<>>, std::uint64_t>> expected_any_;
  std::map<std::string_view, std::uint64_t> exits_;
  std::string counts_;
};

/// Without a turn of the loop: until `holds`. What is waited for is another process's doing.
template <class Holds>
void busy_until(Holds holds) {
  while (!holds()) ::usleep(50);
}

/// Runs so many of these beside each other and waits for the end of all.
template <class Lane>
asio::awaitable<void> in_lanes(Invariants& row, int lanes, const Lane& lane) {
  int running = lanes;
  std::exception_ptr failed;
  Wakeup ended(row.io().get_executor());
  for (int i = 0; i < lanes; ++i) {
    auto started = lane(i);
    asio::co_spawn(row.io(), std::move(started), [&](std::exception_ptr error) {
      if (error) failed = error;
      --running;
      ended.notify();
    });
  }
  while (running > 0) co_await ended.wait();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace temporal::supervisor::children::torture
