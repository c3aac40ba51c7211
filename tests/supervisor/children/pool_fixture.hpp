// SPDX-License-Identifier: MIT
// A pool of real processes, on a loop that runs until the test's coroutine ends. Nothing sleeps: every wait is for an event, and
// the suite's own timeout is the bound.
#pragma once

#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/types.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "shared/payload_proto.hpp"
#include "supervisor/children/child_pool.hpp"

namespace temporal::supervisor::children::test {

namespace asio = boost::asio;

inline std::string required_env(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE_MESSAGE(value, name << " must be set: run this by `meson test` or tools/test");
  return value;
}

class Lines final : public Logger {
 public:
  void write(LogLevel level, std::string_view message, const LogFields& fields) override {
    lines.push_back(std::string(to_string(level)) + " " + std::string(message) + " " +
                    fields.dump());
  }
  [[nodiscard]] bool contain(std::string_view text) const {
    return std::ranges::any_of(
        lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
  }
  std::vector<std::string> lines;
};

inline PoolOptions options(int children, const char* module = "TEST_MODULE") {
  PoolOptions options;
  options.children = children;
  options.program.executable = required_env("TEMPORAL_CHILD");
  options.program.modules = {required_env(module)};
  return options;
}

struct PoolFixture {
  explicit PoolFixture(PoolOptions pool_options)
      : pool(io.get_executor(), std::move(pool_options), log) {}

  /// Runs the loop until `test` ended; what it throws fails the test case.
  void run(std::function<asio::awaitable<void>()> test) {
    std::exception_ptr error;
    bool ended = false;
    asio::co_spawn(io, std::move(test), [&](std::exception_ptr e) {
      error = e;
      ended = true;
    });
    while (!ended) io.run_one();
    if (error) std::rethrow_exception(error);
  }

  /// Starts the pool, runs `test`, stops the pool: nothing may be left.
  void with_pool(std::function<asio::awaitable<void>()> test) {
    run([&]() -> asio::awaitable<void> {
      co_await pool.start();
      co_await test();
      co_await pool.stop();
    });
    CHECK(pool.child_pids().empty());
    io.restart();
    io.run();  // ends: nothing waits for anything any more
  }

  template <class... Args>
  asio::awaitable<Outcome> call(std::string type, const Args&... args) {
    AttemptHandle handle;
    co_return co_await call_with(handle, type, args...);
  }

  template <class... Args>
  asio::awaitable<Outcome> call_with(AttemptHandle& handle, std::string type, const Args&... args) {
    co_return co_await call_in(Share::polled, handle, type, args...);
  }

  template <class... Args>
  asio::awaitable<Outcome> offload(std::string type, const Args&... args) {
    AttemptHandle handle;
    co_return co_await call_in(Share::offload, handle, type, args...);
  }

  template <class... Args>
  asio::awaitable<Outcome> call_in(Share share, AttemptHandle& handle, std::string type,
                                   const Args&... args) {
    child::v1::Start start;
    start.set_activity_type(type);
    (to_proto(to_payload(args), start.mutable_input()->add_payloads()), ...);
    ++begun;
    auto outcome = co_await pool.run(std::move(start), handle, share);
    ++ended;
    co_return outcome;
  }

  /// Calls, and how many of them had their outcome.
  int begun = 0, ended = 0;
  asio::io_context io;
  Lines log;
  ChildPool pool;
};

/// What a start ended with that must not succeed.
struct RefusedStart {
  std::string sentence;
  bool module = false;  ///< it is the module's fault
};
inline RefusedStart refused_start(PoolOptions options) {
  PoolFixture fixture(std::move(options));
  RefusedStart refused;
  fixture.run([&]() -> asio::awaitable<void> {
    try {
      co_await fixture.pool.start();
    } catch (const PoolError& error) {
      refused = {error.what(), error.module()};
    }
  });
  fixture.io.restart();
  fixture.io.run();  // ends: nothing is left that waits
  return refused;
}

/// A task that runs beside the test's coroutine.
struct Running {
  AttemptHandle handle;
  std::optional<Outcome> outcome;
  bool beaten = false;
  std::optional<ipc::Heartbeat> early;
  Wakeup changed;
  Share share;

  explicit Running(asio::io_context& io, Share share = Share::polled)
      : changed(io.get_executor()), share(share) {
    handle.on_heartbeat = [this] {
      beaten = true;
      changed.notify();
    };
    handle.on_started = [this] {
      early = handle.take_heartbeat();  // none yet, most likely: then this asks for the bell
      beaten = early.has_value();
      changed.notify();
    };
  }
  std::optional<ipc::Heartbeat> take() {
    return early ? std::exchange(early, std::nullopt) : handle.take_heartbeat();
  }
  template <class... Args>
  void start(PoolFixture& fixture, std::string type, Args... args) {
    asio::co_spawn(
        fixture.io,
        [this, &fixture, type, args...]() -> asio::awaitable<void> {
          outcome = co_await fixture.call_in(share, handle, type, args...);
          changed.notify();
        },
        asio::detached);
  }
  asio::awaitable<void> until_started() {
    while (handle.pid() == 0) co_await changed.wait();
  }
  asio::awaitable<void> until_beaten() {
    while (!beaten) co_await changed.wait();
  }
  asio::awaitable<void> until_ended() {
    while (!outcome) co_await changed.wait();
  }
};

inline const api::failure::v1::Failure& failure(const Outcome& outcome) {
  if (auto* died = std::get_if<Died>(&outcome)) return died->failure;
  REQUIRE(std::holds_alternative<Failed>(outcome));
  return std::get<Failed>(outcome).failure;
}
inline std::string type_of(const Outcome& outcome) {
  return failure(outcome).application_failure_info().type();
}
inline nlohmann::json details_of(const Outcome& outcome) {
  const auto& details = failure(outcome).application_failure_info().details();
  REQUIRE(details.payloads_size() == 1);
  CHECK(details.payloads(0).metadata().at("encoding") == "json/plain");
  return nlohmann::json::parse(details.payloads(0).data());
}
template <class T>
T result(const Outcome& outcome) {
  if (!std::holds_alternative<Completed>(outcome)) FAIL_CHECK(failure(outcome).DebugString());
  REQUIRE(std::holds_alternative<Completed>(outcome));
  const auto& payloads = std::get<Completed>(outcome).result;
  REQUIRE(payloads.payloads_size() == 1);
  return from_payload<T>(from_proto(payloads.payloads(0)));
}

/// Entries of a folder of /proc/self.
inline std::ptrdiff_t entries(const char* folder) {
  DIR* dir = ::opendir(folder);
  REQUIRE(dir);
  std::ptrdiff_t count = 0;
  while (::readdir(dir)) ++count;
  ::closedir(dir);
  return count;
}
inline std::ptrdiff_t own_descriptors() { return entries("/proc/self/fd"); }

inline std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

/// As ps shows it; X when it is gone.
inline char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return 'X';
  auto after_name = stat.rfind(')');
  return after_name != std::string::npos && stat.size() > after_name + 2 ? stat[after_name + 2]
                                                                         : 'X';
}

/// Zombies count as gone: nothing of them runs.
inline bool alive(pid_t pid) {
  const char state = state_of(pid);
  return state != 'Z' && state != 'X';
}

/// Until all polled tasks' children are there again.
inline asio::awaitable<void> until_full(PoolFixture& fixture, int children) {
  while (fixture.pool.capacity() < children) co_await pause(std::chrono::milliseconds(1));
}

/// Until nobody starts, works or leaves any more.
inline asio::awaitable<void> until_settled(PoolFixture& fixture) {
  const auto moving = [&] {
    const auto counts = fixture.pool.counts();
    return counts.starting + counts.busy + counts.stopping > 0;
  };
  while (moving()) co_await pause(std::chrono::milliseconds(1));
}

/// Until a process is dead, in this or any process's eyes.
inline asio::awaitable<void> until_dead(pid_t pid) {
  while (alive(pid)) co_await pause(std::chrono::milliseconds(1));
}

inline int from_env(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value ? std::atoi(value) : otherwise;
}

}  // namespace temporal::supervisor::children::test
