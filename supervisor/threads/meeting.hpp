// SPDX-License-Identifier: MIT
// A user's coroutine waits for what happens on another thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <utility>

namespace temporal::supervisor {

// A loop waits here for what happens elsewhere, to its end: a cancellation of the waiting coroutine
// is told, once, and then the wait goes on. Lives on the loop.
class Meeting {
 public:
  explicit Meeting(const boost::asio::any_io_executor& loop)
      : timer_(loop, boost::asio::steady_timer::time_point::max()) {}

  void over() {
    over_ = true;
    timer_.cancel();
  }

  boost::asio::awaitable<void> wait(std::function<void()> on_cancel) {
    // Otherwise each co_await of a cancelled coroutine throws at once.
    const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    while (!over_) {
      boost::system::error_code ignored;
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (on_cancel && state.cancelled() != boost::asio::cancellation_type::none)
        std::exchange(on_cancel, nullptr)();
    }
    co_await boost::asio::this_coro::throw_if_cancelled(throws);
  }

 private:
  boost::asio::steady_timer timer_;
  bool over_ = false;
};

}  // namespace temporal::supervisor
