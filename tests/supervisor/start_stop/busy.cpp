// SPDX-License-Identifier: MIT
// Work for every home at once: short activities one after the other, and such as only end because
// their worker does.
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
using temporal::Task;
namespace asio = boost::asio;
namespace activity = temporal::activity;
namespace workflow = temporal::workflow;

namespace {

// Appends a letter: the home, in which an activity has begun.
void sign_in(const std::string& book, char home) {
  const int file = ::open(book.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const bool written = file >= 0 && ::write(file, &home, 1) == 1;
  ::close(file);
  if (!written) throw std::runtime_error("cannot sign in to " + book);
}

void hold_here(activity::Context& ctx, const std::string& book, char home) {
  sign_in(book, home);
  ctx.heartbeat(1);
  while (!ctx.wait_cancelled(1h)) {
  }
  ctx.throw_if_cancelled();
}

}  // namespace

// Until the cancellation that follows the grace.
void hold_in_child(activity::Context& ctx, std::string book) { hold_here(ctx, book, 'c'); }
void hold_on_thread(activity::Context& ctx, std::string book) { hold_here(ctx, book, 't'); }
void hold_offloaded(activity::Context& ctx, std::string book) { hold_here(ctx, book, 'o'); }
asio::awaitable<void> hold_on_loop(activity::Context& ctx, std::string book) {
  sign_in(book, 'l');
  ctx.heartbeat(1);
  asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
  co_await timer.async_wait(asio::use_awaitable);
}
asio::awaitable<void> hand_over(activity::Context& ctx, std::string book) {
  co_await activity::in_child<hold_offloaded>(ctx, book);
}

// Until the notice that the worker stops.
void notice_on_thread(activity::Context& ctx, std::string book) {
  sign_in(book, 'n');
  ctx.wait_worker_shutdown(1h);
}
asio::awaitable<void> notice_on_loop(activity::Context& ctx, std::string book) {
  sign_in(book, 'w');
  const bool told = co_await ctx.async_wait_worker_shutdown(1h);
  if (!told) throw std::logic_error("no notice within an hour");
}

int add_in_child(int a, int b) { return a + b; }
int add_on_thread(int a, int b) { return a + b; }
asio::awaitable<int> add_on_loop(int a, int b) {
  co_return co_await activity::to_thread([&] { return a + b; });
}

struct Hold {
  Task<void> run(std::string book) {
    constexpr temporal::ActivityOptions kOnce{.start_to_close_timeout = 60s,
                                              .retry = {.maximum_attempts = 1}};
    std::vector<workflow::Future<void>> held;
    held.push_back(workflow::execute_activity<hold_in_child>(kOnce, book));
    held.push_back(workflow::execute_activity<hold_on_thread>(kOnce, book));
    held.push_back(workflow::execute_activity<hold_on_loop>(kOnce, book));
    held.push_back(workflow::execute_activity<hand_over>(kOnce, book));
    held.push_back(workflow::execute_activity<notice_on_thread>(kOnce, book));
    held.push_back(workflow::execute_activity<notice_on_loop>(kOnce, book));
    co_await workflow::all(std::move(held));
  }
};

struct Add {
  Task<int> run(int rounds) {
    constexpr temporal::ActivityOptions kQuick{.start_to_close_timeout = 10s};
    int sum = 0;
    for (int round = 0; round < rounds; ++round) {
      std::vector<workflow::Future<int>> sums;
      sums.push_back(workflow::execute_activity<add_in_child>(kQuick, round, 1));
      sums.push_back(workflow::execute_activity<add_on_thread>(kQuick, round, 2));
      sums.push_back(workflow::execute_activity<add_on_loop>(kQuick, round, 3));
      for (int part : co_await workflow::all(std::move(sums))) sum += part;
    }
    co_return sum;
  }
};

void busy(temporal::Module& m) {
  m.activity<hold_in_child>();
  m.activity<hold_on_thread>({.executor = temporal::Executor::threads});
  m.activity<hold_on_loop>();
  m.activity<hand_over>();
  m.activity<notice_on_thread>({.executor = temporal::Executor::threads});
  m.activity<notice_on_loop>();
  m.activity<add_in_child>();
  m.activity<add_on_thread>({.executor = temporal::Executor::threads});
  m.activity<add_on_loop>();
  m.workflow<Hold>();
  m.workflow<Add>();
}
TEMPORAL_EXPORT_MODULE(busy);
