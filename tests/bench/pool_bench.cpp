// SPDX-License-Identifier: MIT
// What a task in a child costs, beside the least it could cost: the same processes that only ring each other. Prints one JSON
// object. tools/bench runs it and makes the table.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shared/payload_proto.hpp"
#include "supervisor/children/child_pool.hpp"
#include "tests/bench/bench_pool.hpp"
#include "tests/bench/figures.hpp"

namespace {

namespace asio = boost::asio;
using namespace temporal::supervisor;
using namespace temporal::supervisor::children;
using temporal::bench::Clock;
using temporal::bench::Complaints;
using temporal::bench::microseconds_since;
using temporal::bench::quantile;
using Seconds = std::chrono::duration<double>;

constexpr int kRoundTrips = 20'000;

struct Figures {
  double per_second = 0;
  std::vector<double> round_trips_us;  // one task at a time, one process
};

nlohmann::ordered_json json_of(Figures figures) {
  return {{"per_second", figures.per_second},
          {"round_trip_p50_us", quantile(figures.round_trips_us, 0.5)},
          {"round_trip_p99_us", quantile(figures.round_trips_us, 0.99)}};
}

// ---- the pool ----

asio::awaitable<void> run(ChildPool& pool, temporal::child::v1::Start start) {
  AttemptHandle handle;
  auto outcome = co_await pool.run(std::move(start), handle);
  if (!std::holds_alternative<Completed>(outcome)) throw std::runtime_error("an activity failed");
}

temporal::child::v1::Start no_op() {
  temporal::child::v1::Start start;
  start.set_activity_type("no_op");
  return start;
}

temporal::child::v1::Start burn(int milliseconds) {
  temporal::child::v1::Start start;
  start.set_activity_type("burn");
  temporal::to_proto(temporal::to_payload(milliseconds), start.mutable_input()->add_payloads());
  return start;
}

/// `round_trips` 0: only the rate.
Figures measure_pool(int children, double seconds, int nice, const temporal::child::v1::Start& task,
                     int round_trips) {
  asio::io_context io(1);
  Complaints log;
  ChildPool pool(io.get_executor(), temporal::bench::pool_options(children, nice, "TEST_MODULE"),
                 log);
  Figures figures;
  bool stop = false;
  std::uint64_t count = 0;
  int running = 0;

  auto load = [&]() -> asio::awaitable<void> {
    ++running;
    while (!stop) {
      co_await run(pool, task);
      ++count;
    }
    --running;
  };
  auto measure = [&]() -> asio::awaitable<void> {
    co_await pool.start();
    for (int i = 0; i < children; ++i)
      asio::co_spawn(io, load(), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
      });
    co_await pause(std::chrono::milliseconds(300));
    const auto before = count;
    const auto start = Clock::now();
    co_await pause(std::chrono::duration_cast<Clock::duration>(Seconds(seconds)));
    figures.per_second = double(count - before) / Seconds(Clock::now() - start).count();
    stop = true;
    while (running > 0) co_await pause(std::chrono::milliseconds(1));

    for (int i = 0; i < round_trips; ++i) {
      const auto sent = Clock::now();
      co_await run(pool, task);
      figures.round_trips_us.push_back(microseconds_since(sent));
    }
    co_await pool.stop();
  };
  asio::co_spawn(io, measure(), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
  return figures;
}

// ---- the null pool: the same shape, no work, no memory shared ----

struct NullChild {
  int down = ::eventfd(0, 0);
  int up = ::eventfd(0, EFD_NONBLOCK);
  pid_t pid = 0;

  explicit NullChild(int nice_by) {
    pid = ::fork();
    if (pid != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)!::nice(nice_by);
    for (std::uint64_t value;;) {
      if (::read(down, &value, sizeof value) != sizeof value) ::_exit(1);
      value = 1;
      if (::write(up, &value, sizeof value) != sizeof value) ::_exit(1);
    }
  }
  ~NullChild() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    ::close(down);
    ::close(up);
  }
  void start() const {
    const std::uint64_t one = 1;
    (void)!::write(down, &one, sizeof one);
  }
  [[nodiscard]] bool answered() const {
    std::uint64_t value;
    return ::read(up, &value, sizeof value) == sizeof value;
  }
};

Figures measure_null(int children, double seconds, int nice) {
  std::vector<std::unique_ptr<NullChild>> pool;
  int poller = ::epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < children; ++i) {
    pool.push_back(std::make_unique<NullChild>(nice));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = pool.back().get();
    ::epoll_ctl(poller, EPOLL_CTL_ADD, pool.back()->up, &event);
  }
  Figures figures;
  std::uint64_t count = 0;
  std::vector<epoll_event> events(static_cast<std::size_t>(children));
  auto run_until = [&](Clock::time_point end) {
    while (Clock::now() < end) {
      int ready = ::epoll_wait(poller, events.data(), children, -1);
      for (int i = 0; i < ready; ++i) {
        auto* child = static_cast<NullChild*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (!child->answered()) continue;
        ++count;
        child->start();
      }
    }
  };
  for (auto& child : pool) child->start();
  run_until(Clock::now() + std::chrono::milliseconds(300));
  const auto before = count;
  const auto start = Clock::now();
  run_until(start + std::chrono::duration_cast<Clock::duration>(Seconds(seconds)));
  figures.per_second = double(count - before) / Seconds(Clock::now() - start).count();

  // Whoever still works answers once more, unread: only the first is asked from here on.
  NullChild one(nice);
  epoll_event event{};
  event.events = EPOLLIN;
  int alone = ::epoll_create1(EPOLL_CLOEXEC);
  ::epoll_ctl(alone, EPOLL_CTL_ADD, one.up, &event);
  for (int i = 0; i < kRoundTrips; ++i) {
    const auto sent = Clock::now();
    one.start();
    while (!one.answered()) ::epoll_wait(alone, events.data(), 1, -1);
    figures.round_trips_us.push_back(microseconds_since(sent));
  }
  ::close(alone);
  ::close(poller);
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fputs(
        "usage: pool_bench CHILDREN SECONDS NICE [BURN_MS]   (tools/bench pool and scaling run "
        "it)\n",
        stderr);
    return 2;
  }
  const int children = std::atoi(argv[1]);
  const double seconds = std::atof(argv[2]);
  const int nice = std::atoi(argv[3]);
  nlohmann::ordered_json figures;
  if (argc == 5) {
    const auto busy = measure_pool(children, seconds, nice, burn(std::atoi(argv[4])), 0);
    figures["per_second"] = busy.per_second;
    std::cout << figures.dump() << std::endl;
    return 0;
  }
  figures["null_pool"] = json_of(measure_null(children, seconds, nice));
  figures["pool"] = json_of(measure_pool(children, seconds, nice, no_op(), kRoundTrips));
  std::cout << figures.dump() << std::endl;
}
