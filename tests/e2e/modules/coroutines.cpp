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

asio::awaitable<int> own_pid_later() {
  co_await rest(1ms);
  co_return getpid();
}

asio::awaitable<void> measure_later(activity::Context& ctx) {
  co_await rest(1ms);
  ctx.metrics().counter("test_steps", 2);
}

// Waits for something that never comes; only a cancellation ends it.
asio::awaitable<void> wait_long(activity::Context& ctx, std::string) {
  ctx.heartbeat(1);
  co_await rest(1h);
}

void coroutines(temporal::Module& m) {
  m.activity<own_pid_later>();
  m.activity<measure_later>();
  m.activity<wait_long>();
}
TEMPORAL_EXPORT_MODULE(coroutines);
