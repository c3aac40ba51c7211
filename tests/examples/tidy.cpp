#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <temporal/activity.hpp>
#include <temporal/module.hpp>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace activity = temporal::activity;

// Keeps a lock until it is cancelled, and then puts things in order.
asio::awaitable<void> keep_the_lock(activity::Context& ctx, std::string path) {
  std::ofstream(path).flush();
  try {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int round = 1;; ++round) {
      ctx.heartbeat(round);  // throws temporal::Cancelled
      timer.expires_after(100ms);
      co_await timer.async_wait(asio::use_awaitable);  // throws operation_aborted
    }
  } catch (const std::exception&) {
    if (!ctx.cancelled()) throw;
  }
  // Without this line each co_await from here on would throw at once.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await activity::to_thread([&] { std::filesystem::remove(path); });
  std::string done = "the lock is gone";
  throw temporal::Cancelled("stopped", {temporal::to_payload(done)});
}

void tidy(temporal::Module& m) { m.activity<keep_the_lock>(); }
TEMPORAL_EXPORT_MODULE(tidy);
