// SPDX-License-Identifier: MIT
// Activities that only wait, each in the home of its form: how many a worker has at once, and what homes cost each other.
// Two modules are made of this, so that a worker may have children or not.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace workflow = temporal::workflow;

template <auto activity>
struct AtOnce {
  temporal::Task<int> run(int n) {
    std::vector<workflow::Future<>> running;
    for (int i = 0; i < n; ++i)
      running.push_back(workflow::execute_activity<activity>({.start_to_close_timeout = 60s}));
    co_await workflow::all(std::move(running));
    co_return n;
  }
};

#ifdef IN_CHILDREN
void wait_in_child() { std::this_thread::sleep_for(5s); }

void waits(temporal::Module& m) {
  m.activity<wait_in_child>();
  m.workflow<AtOnce<wait_in_child>>({.name = "WaitInChildren"});
}
#else
asio::awaitable<void> wait_on_loop() {
  asio::steady_timer timer(co_await asio::this_coro::executor, 1s);
  co_await timer.async_wait(asio::use_awaitable);
}

void wait_on_thread() { std::this_thread::sleep_for(1s); }

void waits(temporal::Module& m) {
  m.activity<wait_on_loop>();
  m.activity<wait_on_thread>({.executor = temporal::Executor::threads});
  m.workflow<AtOnce<wait_on_loop>>({.name = "WaitOnLoops"});
  m.workflow<AtOnce<wait_on_thread>>({.name = "WaitOnThreads"});
}
#endif
TEMPORAL_EXPORT_MODULE(waits);
