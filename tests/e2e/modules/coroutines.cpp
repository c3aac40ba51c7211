// SPDX-License-Identifier: MIT
// Activities that wait without blocking: coroutines on the supervisor's loop threads.
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace activity = temporal::activity;

namespace {

asio::awaitable<void> rest(std::chrono::milliseconds how_long) {
  asio::steady_timer timer(co_await asio::this_coro::executor, how_long);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

asio::awaitable<std::string> hello_later(std::string name) {
  co_await rest(20ms);
  co_return "Hello, " + name + "!";
}

asio::awaitable<int> own_pid_later() {
  co_await rest(1ms);
  co_return getpid();
}

asio::awaitable<void> throw_later(std::string what) {
  co_await rest(1ms);
  throw std::runtime_error(what);
}

asio::awaitable<void> measure_later(activity::Context& ctx) {
  co_await rest(1ms);
  ctx.metrics().counter("test_steps", 2);
}

// Reads what the first attempt said.
asio::awaitable<int> resume_later(activity::Context& ctx) {
  if (auto last = ctx.last_heartbeat<int>()) co_return *last;
  ctx.heartbeat(41);
  co_await rest(1ms);
  throw std::runtime_error("the first attempt fails");
}

// Cancelled at its next heartbeat.
asio::awaitable<void> beat_later(activity::Context& ctx, std::string) {
  for (int round = 1;; ++round) {
    try {
      ctx.heartbeat(round);
      co_await rest(10ms);
    } catch (const temporal::Cancelled&) {
      throw temporal::Cancelled("stopped", {temporal::to_payload(std::string("cleaned up"))});
    } catch (const boost::system::system_error&) {
      throw temporal::Cancelled("stopped", {temporal::to_payload(std::string("woken"))});
    }
  }
}

// Waits for something that never comes; only a cancellation ends it.
asio::awaitable<void> wait_long(activity::Context& ctx, std::string) {
  ctx.heartbeat(1);
  co_await rest(1h);
}

void coroutines(temporal::Module& m) {
  m.activity<hello_later>();
  m.activity<own_pid_later>();
  m.activity<throw_later>();
  m.activity<measure_later>();
  m.activity<resume_later>();
  m.activity<beat_later>();
  m.activity<wait_long>();
}
TEMPORAL_EXPORT_MODULE(coroutines);
