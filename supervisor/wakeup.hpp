// SPDX-License-Identifier: MIT
// Coroutines on the core loop wait for each other here. No lock and no state: who waits asks its
// condition again.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
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

/// Runs both until one returns or throws, then cancels the other and waits for its end. Returns
/// which it was, 0 or 1, or throws what it threw. (Boost's operator|| waits for a success: there a
/// failure is kept until the other one is done, which may be never.)
inline boost::asio::awaitable<std::size_t> first_of(boost::asio::awaitable<void> one,
                                                    boost::asio::awaitable<void> other) {
  namespace asio = boost::asio;
  const auto core = co_await asio::this_coro::executor;
  const auto ended = co_await asio::experimental::make_parallel_group(
                         asio::co_spawn(core, std::move(one), asio::deferred),
                         asio::co_spawn(core, std::move(other), asio::deferred))
                         .async_wait(asio::experimental::wait_for_one(), asio::deferred);
  const auto& [order, one_failed, other_failed] = ended;
  if (const auto& failed = order[0] == 0 ? one_failed : other_failed)
    std::rethrow_exception(failed);
  co_return order[0];
}

}  // namespace temporal::supervisor
