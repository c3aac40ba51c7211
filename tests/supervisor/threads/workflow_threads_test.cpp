// SPDX-License-Identifier: MIT
#include "supervisor/threads/workflow_threads.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include "tests/supervisor/rpc/run.hpp"
#include "tests/supervisor/threads/stuck.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::test::run;
using temporal::test::Stuck;
namespace asio = boost::asio;

TEST_CASE("a closure runs on a thread that is not the loop's, and its end comes back to the loop") {
  asio::io_context loop;
  WorkflowThreads threads(loop.get_executor(), 2, 2s);
  std::thread::id where;
  const WorkflowThreads::Work work = [&] { where = std::this_thread::get_id(); };
  CHECK(run(loop, threads.run(work)).returned);
  CHECK(where != std::thread::id());
  CHECK(where != std::this_thread::get_id());
  CHECK(threads.lost() == 0);
}

TEST_CASE("more closures than threads take turns, and all come to their end") {
  asio::io_context loop;
  WorkflowThreads threads(loop.get_executor(), 2, 2s);
  std::mutex mutex;
  std::set<std::thread::id> used;
  int ended = 0;
  for (int i = 0; i < 200; ++i) {
    asio::co_spawn(
        loop, threads.run([&] {
          const std::lock_guard lock(mutex);
          used.insert(std::this_thread::get_id());
        }),
        [&](const std::exception_ptr&, const WorkflowThreads::End& end) { ended += end.returned; });
  }
  loop.run();
  CHECK(ended == 200);
  CHECK(used.size() <= 2);
}

TEST_CASE("what a closure held is let go on its own thread, before its end is told") {
  asio::io_context loop;
  WorkflowThreads threads(loop.get_executor(), 1, 2s);
  std::thread::id where;
  struct Held {
    std::thread::id& freed_on;
    ~Held() { freed_on = std::this_thread::get_id(); }
  };
  auto held = std::make_shared<Held>(where);
  WorkflowThreads::Work work = [held] {};
  held.reset();
  CHECK(run(loop, threads.run(std::move(work))).returned);
  CHECK(where != std::thread::id());
  CHECK(where != std::this_thread::get_id());
}

TEST_CASE(
    "a closure that overstays is left behind with its thread; the others go on on a new one") {
  asio::io_context loop;
  Stuck stuck;
  {
    WorkflowThreads threads(loop.get_executor(), 1, 200ms);
    std::vector<std::string> order;
    asio::co_spawn(loop, threads.run([&] { stuck.block(); }),
                   [&](const std::exception_ptr&, const WorkflowThreads::End& end) {
                     order.push_back(end.returned ? "stuck returned" : "stuck was left");
                   });
    asio::co_spawn(loop, threads.run([] {}),
                   [&](const std::exception_ptr&, const WorkflowThreads::End& end) {
                     order.push_back(end.returned ? "next returned" : "next was left");
                   });
    loop.run();
    CHECK(order == std::vector<std::string>{"stuck was left", "next returned"});
    CHECK(threads.lost() == 1);
  }
  stuck.release();
}

TEST_CASE("many short closures in a row are not one long one") {
  asio::io_context loop;
  WorkflowThreads threads(loop.get_executor(), 1, 1s);
  const auto busy = [&]() -> asio::awaitable<bool> {
    const auto until = std::chrono::steady_clock::now() + 1500ms;
    bool all = true;
    while (std::chrono::steady_clock::now() < until) {
      const WorkflowThreads::Work work = [] { std::this_thread::sleep_for(5ms); };
      const auto end = co_await threads.run(work);
      all = end.returned && all;
    }
    co_return all;
  };
  CHECK(run(loop, busy()));
  CHECK(threads.lost() == 0);
}

TEST_CASE("time in which the watch did not run is not held against a closure") {
  asio::io_context loop;
  WorkflowThreads threads(loop.get_executor(), 1, 1s);
  std::promise<void> done;
  bool returned = false;
  asio::co_spawn(
      loop, threads.run([&] { done.get_future().wait(); }),
      [&](const std::exception_ptr&, const WorkflowThreads::End& end) { returned = end.returned; });
  loop.run_one_for(200ms);
  // The loop stands still for longer than the deadline, as it does on a starved machine.
  std::this_thread::sleep_for(1200ms);
  loop.run_for(250ms);
  CHECK(threads.lost() == 0);
  done.set_value();
  loop.restart();
  loop.run();
  CHECK(returned);
}

TEST_CASE("without a deadline a closure may take its time") {
  asio::io_context loop;
  WorkflowThreads threads(loop.get_executor(), 1, 0ms);
  std::promise<void> done;
  bool returned = false;
  asio::co_spawn(
      loop, threads.run([&] { done.get_future().wait(); }),
      [&](const std::exception_ptr&, const WorkflowThreads::End& end) { returned = end.returned; });
  loop.run_for(300ms);
  CHECK_FALSE(returned);
  done.set_value();
  loop.restart();
  loop.run();
  CHECK(returned);
}
