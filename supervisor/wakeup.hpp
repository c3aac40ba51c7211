// SPDX-License-Identifier: MIT
// Coroutines on the core loop wait for each other here. No lock and no state: who waits asks its
// condition again.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <utility>

namespace temporal::supervisor {

class Wakeup {
 public:
  explicit Wakeup(boost::asio::any_io_executor core)
      : timer_(std::move(core), boost::asio::steady_timer::time_point::max()) {}

  /// Returns after the next notify(). Throws system_error(operation_aborted) when the waiting
  /// coroutine is cancelled.
  boost::asio::awaitable<void> wait() {
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    boost::system::error_code ignored;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    if (state.cancelled() != boost::asio::cancellation_type::none)
      throw boost::system::system_error(boost::asio::error::operation_aborted);
  }

  /// Wakes all who wait now.
  void notify() noexcept {
    try {
      timer_.cancel();
    } catch (...) {  // boost declares it so; cancelling a timer on its own loop cannot fail
    }
  }

 private:
  boost::asio::steady_timer timer_;
};

/// Lets `duration` pass. Throws operation_aborted when the waiting coroutine is cancelled.
inline boost::asio::awaitable<void> pause(std::chrono::steady_clock::duration duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace temporal::supervisor
