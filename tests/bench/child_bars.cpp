// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "shared/payload_proto.hpp"
#include "supervisor/children/child_pool.hpp"
#include "tests/bench/bench_pool.hpp"
#include "tests/bench/figures.hpp"
#include "tests/bench/pool_bars.hpp"

namespace temporal::bench {
namespace {

namespace asio = boost::asio;
using namespace supervisor::children;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using supervisor::pause;

constexpr int kHeartbeats = 1'000'000;
constexpr int kCancels = 200;
constexpr int kDeaths = 200;
constexpr const char* kBallastMib = "240";  // with what it has of its own nearly 256

/// A pool while `work` runs.
void with_pool(int children, int nice,
               const std::function<asio::awaitable<void>(ChildPool&)>& work) {
  asio::io_context io(1);
  Complaints log(LogLevel::error);
  ChildPool pool(io.get_executor(), pool_options(children, nice, "BENCH_MODULE"), log);
  auto all = [&]() -> asio::awaitable<void> {
    co_await pool.start();
    co_await work(pool);
    co_await pool.stop(milliseconds(0));
  };
  asio::co_spawn(io, std::move(all), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
}

template <class... Args>
child::v1::Start start_of(const char* type, const Args&... args) {
  child::v1::Start start;
  start.set_activity_type(type);
  (to_proto(to_payload(args), start.mutable_input()->add_payloads()), ...);
  return start;
}

/// A task that beats once when it has begun.
struct Task {
  AttemptHandle handle;
  bool begun = false, ended = false;
  Clock::time_point ended_at;

  Task() {
    handle.on_started = [this] { begun |= handle.take_heartbeat().has_value(); };
    handle.on_heartbeat = [this] { begun |= handle.take_heartbeat().has_value(); };
  }
  asio::awaitable<Outcome> run(ChildPool& pool, child::v1::Start start) {
    auto outcome = co_await pool.run(std::move(start), handle);
    ended_at = Clock::now();
    ended = true;
    co_return outcome;
  }
  asio::awaitable<void> until_begun() const {
    while (!begun) co_await pause(microseconds(200));
  }
  asio::awaitable<void> until_ended() const {
    while (!ended) co_await pause(microseconds(200));
  }
};

template <class T>
T result(const Outcome& outcome) {
  const auto* completed = std::get_if<Completed>(&outcome);
  if (!completed) throw std::runtime_error("an activity failed");
  return from_payload<T>(from_proto(completed->result.payloads(0)));
}

asio::awaitable<Outcome> call(ChildPool& pool, child::v1::Start start) {
  AttemptHandle handle;
  auto outcome = co_await pool.run(std::move(start), handle);
  co_return outcome;
}

asio::awaitable<void> do_nothing(ChildPool& pool) {
  auto start = start_of("no_op");
  (void)co_await call(pool, std::move(start));
}

asio::awaitable<void> heartbeats(ChildPool& pool, nlohmann::ordered_json& figures) {
  Task task;
  auto start = start_of("time_heartbeats", kHeartbeats);
  auto outcome = co_await task.run(pool, std::move(start));
  const auto times = result<std::vector<double>>(outcome);
  figures["heartbeat_us"] = {{"p50", times.at(0)}, {"p99", times.at(1)}};
}

asio::awaitable<void> cancels(ChildPool& pool, nlohmann::ordered_json& figures) {
  std::vector<double> seen;
  for (int i = 0; i < kCancels; ++i) {
    Task task;
    std::int64_t at = 0;
    auto polling = [&]() -> asio::awaitable<void> {
      auto start = start_of("poll_until_cancelled");
      auto outcome = co_await task.run(pool, std::move(start));
      at = result<std::int64_t>(outcome);
    };
    const auto core = co_await asio::this_coro::executor;
    asio::co_spawn(core, polling, [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    co_await task.until_begun();
    co_await pause(milliseconds(1));
    const auto cancelled = Clock::now();
    task.handle.cancel(CancelReason::requested);
    while (at == 0) co_await pause(microseconds(200));
    seen.push_back(in_microseconds(Clock::time_point(Clock::duration(at)) - cancelled));
  }
  figures["cancel_us"] = spread(seen);
}

std::size_t resident_mib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) >> 20;
}

// As many busy children as there are: one of them is killed, the others go on.
asio::awaitable<void> deaths(ChildPool& pool, int children, nlohmann::ordered_json& all,
                             const char* name) {
  nlohmann::ordered_json figures;
  figures["zygote_mib"] = resident_mib(pool.zygote_pid());
  std::vector<std::unique_ptr<Task>> busy(static_cast<std::size_t>(children));
  const auto core = co_await asio::this_coro::executor;
  auto start_one = [&](std::unique_ptr<Task>& task) -> asio::awaitable<void> {
    task = std::make_unique<Task>();
    asio::co_spawn(core, task->run(pool, start_of("spin_for_ever")), asio::detached);
    co_await task->until_begun();
  };
  for (auto& task : busy) co_await start_one(task);
  std::vector<double> seen, replaced;
  Clock::time_point full_at;
  pool.on_capacity_change = [&] {
    if (pool.capacity() == children) full_at = Clock::now();
  };
  for (int i = 0; i < kDeaths; ++i) {
    auto& victim = busy[static_cast<std::size_t>(i) % busy.size()];
    co_await pause(milliseconds(5));
    full_at = {};
    const auto killed = Clock::now();
    ::kill(victim->handle.pid(), SIGKILL);
    co_await victim->until_ended();
    while (full_at == Clock::time_point()) co_await pause(microseconds(200));
    seen.push_back(in_microseconds(victim->ended_at - killed) / 1e3);
    replaced.push_back(in_microseconds(full_at - killed) / 1e3);
    // The budget of deaths forgets those after which something was done.
    co_await do_nothing(pool);
    co_await start_one(victim);
  }
  pool.on_capacity_change = nullptr;
  figures["seen_p50_ms"] = quantile(seen, 0.5);
  figures["seen_p99_ms"] = quantile(seen, 0.99);
  figures["replaced_p50_ms"] = quantile(replaced, 0.5);
  figures["replaced_p99_ms"] = quantile(replaced, 0.99);
  all[name] = figures;
  for (auto& task : busy) task->handle.terminate(KillReason::worker_shutdown);
  for (auto& task : busy) co_await task->until_ended();
}

// In milliseconds, from run() until the activity begins.
asio::awaitable<double> argument_time(ChildPool& pool, const char* type) {
  auto start = start_of(type, Bytes(std::string(kLarge, 'a')));
  const auto since = Clock::now();
  const auto outcome = co_await call(pool, std::move(start));
  const auto came = result<std::vector<std::int64_t>>(outcome);
  if (came.at(0) != static_cast<std::int64_t>(kLarge)) throw std::runtime_error("bytes were lost");
  co_return in_microseconds(Clock::time_point(Clock::duration(came.at(1))) - since) / 1e3;
}

// The same, until its answer is here.
asio::awaitable<double> result_time(ChildPool& pool) {
  auto start = start_of("make_bytes", static_cast<int>(kLarge));
  const auto since = Clock::now();
  const auto outcome = co_await call(pool, std::move(start));
  const double time = microseconds_since(since) / 1e3;
  if (!std::holds_alternative<Completed>(outcome)) throw std::runtime_error("an activity failed");
  co_return time;
}

asio::awaitable<void> large_messages(ChildPool& pool, nlohmann::ordered_json& figures) {
  std::vector<double> copies, views, owned, results;
  const std::string from(kLarge, 'f');
  std::string to(kLarge, 't');
  const double view_cold = co_await argument_time(pool, "view_bytes");
  const double result_cold = co_await result_time(pool);
  for (int i = 0; i < kLargeRounds; ++i) {  // they take turns
    const auto since = Clock::now();
    std::memcpy(to.data(), from.data(), kLarge);
    copies.push_back(microseconds_since(since) / 1e3);
    views.push_back(co_await argument_time(pool, "view_bytes"));
    owned.push_back(co_await argument_time(pool, "take_bytes"));
    results.push_back(co_await result_time(pool));
  }
  figures["beside_bytes_memcpy_ms"] = spread(copies);
  figures["bytes_view_ms"] = spread(views);
  figures["bytes_view_cold_ms"] = view_cold;
  figures["bytes_argument_ms"] = spread(owned);
  figures["bytes_result_ms"] = spread(results);
  figures["bytes_result_cold_ms"] = result_cold;
}

double private_kib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  double sum = 0;
  for (std::string word; file >> word;)
    if (double kib = 0; word.starts_with("Private_") && file >> kib) sum += kib;
  return sum;
}

asio::awaitable<void> memory(ChildPool& pool, nlohmann::ordered_json& figures) {
  // Each has done something.
  for (std::size_t i = 0; i < 20 * pool.child_pids().size(); ++i) co_await do_nothing(pool);
  std::vector<double> sizes;
  for (const pid_t pid : pool.child_pids()) sizes.push_back(private_kib(pid));
  figures["private_kib"] = quantile(sizes, 0.5);
}

}  // namespace

nlohmann::ordered_json measure_children(const BarOptions& options) {
  nlohmann::ordered_json figures;
  with_pool(4, options.nice, [&](ChildPool& pool) { return memory(pool, figures); });
  with_pool(1, options.nice, [&](ChildPool& pool) { return heartbeats(pool, figures); });
  with_pool(1, options.nice, [&](ChildPool& pool) { return cancels(pool, figures); });
  with_pool(1, options.nice, [&](ChildPool& pool) { return large_messages(pool, figures); });
  with_pool(options.children, options.nice,
            [&](ChildPool& pool) { return deaths(pool, options.children, figures, "deaths"); });
  ::setenv("BENCH_BALLAST_MIB", kBallastMib, 1);
  with_pool(options.children, options.nice, [&](ChildPool& pool) {
    return deaths(pool, options.children, figures, "deaths_large_zygote");
  });
  ::unsetenv("BENCH_BALLAST_MIB");
  return figures;
}

}  // namespace temporal::bench
