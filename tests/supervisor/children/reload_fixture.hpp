// SPDX-License-Identifier: MIT
// A module file that changes under a running pool, and what becomes of a reload.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/supervisor/children/pool_fixture.hpp"
#include "tests/support/folder.hpp"

namespace temporal::supervisor::children::test {

/// tests/child/generation_module.cpp, of one build or the other. While it lives its path is the same; one at a time.
class ModuleFile {
 public:
  ModuleFile() {
    put(1);
    ::setenv("GENERATION_ORDER", order_.c_str(), 1);
  }
  ModuleFile(const ModuleFile&) = delete;
  ModuleFile& operator=(const ModuleFile&) = delete;
  ~ModuleFile() { ::unsetenv("GENERATION_ORDER"); }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Beside it, then in its place.
  void put(int generation) const {
    const auto built = required_env(generation == 1 ? "GENERATION_1" : "GENERATION_2");
    std::filesystem::copy_file(built, path_.string() + ".new");
    std::filesystem::rename(path_.string() + ".new", path_);
  }
  void take_away() const { std::filesystem::remove(path_); }

  /// To the copies that are loaded from now on.
  void order(const std::string& word) const { std::ofstream(order_) << word << "\n"; }
  void order_nothing() const { std::filesystem::remove(order_); }
  /// One of them hangs, as it was told: its pid.
  [[nodiscard]] asio::awaitable<pid_t> until_it_hangs() const {
    const auto sign = order_ + ".hangs";
    pid_t pid = 0;
    while (!(std::ifstream(sign) >> pid)) co_await supervisor::pause(std::chrono::milliseconds(1));
    std::filesystem::remove(sign);
    co_return pid;
  }

 private:
  temporal::test::Folder folder_;
  std::filesystem::path path_ = folder_.path() / "generation.so";
  std::string order_ = (folder_.path() / "order").string();
};

inline PoolOptions options_with(const ModuleFile& module, int children) {
  auto pool = options(children);
  pool.program.modules = {module.path()};
  pool.program.needs.activities = {"generation", "generation_after", "generation_when_cancelled"};
  return pool;
}

/// A reload that runs beside the test's coroutine. Must outlive it.
struct Reload {
  std::optional<std::string> refused;  ///< empty: new tasks go to the new code
  Wakeup ended;

  explicit Reload(PoolFixture& fixture) : ended(fixture.io.get_executor()) {
    fixture.pool.reload([this](const std::string& why) {
      CHECK_FALSE(refused);
      refused = why;
      ended.notify();
    });
  }
  Reload(const Reload&) = delete;
  Reload& operator=(const Reload&) = delete;
  asio::awaitable<std::string> until_ended() {
    while (!refused) co_await ended.wait();
    co_return *refused;
  }
};

/// Empty, or why it was refused.
inline asio::awaitable<std::string> reload(PoolFixture& fixture) {
  Reload one(fixture);
  auto refused = co_await one.until_ended();
  co_return refused;
}

/// Until one zygote is left, and whole.
inline asio::awaitable<void> until_one_generation(PoolFixture& fixture, int children) {
  co_await until_full(fixture, children);
  const auto settled = [&] {
    const auto now = fixture.pool.counts();
    return now.starting == 0 && now.stopping == 0 &&
           children_of(::getpid()) == std::vector{fixture.pool.zygote_pid()};
  };
  while (!settled()) co_await supervisor::pause(std::chrono::milliseconds(1));
}

/// Which code runs a new task?
inline asio::awaitable<void> expect_answer(PoolFixture& fixture, int generation) {
  const auto outcome = co_await fixture.call("generation");
  CHECK(result<int>(outcome) == generation);
}

inline asio::awaitable<void> expect_reload(PoolFixture& fixture) {
  const auto refused = co_await reload(fixture);
  CHECK(refused == "");
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace temporal::supervisor::children::test
