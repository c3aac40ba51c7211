// SPDX-License-Identifier: MIT
#include "supervisor/wakeup.hpp"

#include <doctest/doctest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>
#include <string>

#include "tests/fake_server/fake_clock.hpp"
#include "tests/supervisor/rpc/run.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
using temporal::test::run;
using temporal::test::settle;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> at_once() { co_return; }
asio::awaitable<void> fails() {
  throw std::runtime_error("no");
  co_return;
}
asio::awaitable<void> forever(std::string& ended) {
  try {
    co_await pause(1h);
  } catch (const boost::system::system_error& error) {
    ended = error.code() == asio::error::operation_aborted ? "cancelled" : "failed";
    throw;
  }
}

}  // namespace

TEST_CASE("a notice wakes all who wait now, and nobody who comes later") {
  asio::io_context loop;
  Wakeup wakeup(loop.get_executor());
  int woken = 0;
  const auto waiter = [&]() -> asio::awaitable<void> {
    co_await wakeup.wait();
    ++woken;
  };
  asio::co_spawn(loop, waiter(), asio::detached);
  asio::co_spawn(loop, waiter(), asio::detached);
  settle(loop);
  CHECK(woken == 0);
  wakeup.notify();
  asio::co_spawn(loop, waiter(), asio::detached);
  settle(loop);
  CHECK(woken == 2);
  wakeup.notify();
  settle(loop);
  CHECK(woken == 3);
}

TEST_CASE("a cancelled waiter leaves with an error, the others wait on") {
  asio::io_context loop;
  Wakeup wakeup(loop.get_executor());
  asio::cancellation_signal stop;
  bool aborted = false;
  int woken = 0;
  const auto waiter = [&]() -> asio::awaitable<void> {
    co_await wakeup.wait();
    ++woken;
  };
  asio::co_spawn(loop, waiter(),
                 asio::bind_cancellation_slot(
                     stop.slot(), [&](std::exception_ptr error) { aborted = error != nullptr; }));
  asio::co_spawn(loop, waiter(), asio::detached);
  settle(loop);
  stop.emit(asio::cancellation_type::terminal);
  settle(loop);
  CHECK(aborted);
  CHECK(woken == 0);
  wakeup.notify();
  settle(loop);
  CHECK(woken == 1);
}

TEST_CASE("the first of two to end cancels the other, and is named") {
  asio::io_context loop;
  std::string other;
  CHECK(run(loop, first_of(at_once(), forever(other))) == 0);
  CHECK(other == "cancelled");
  other.clear();
  CHECK(run(loop, first_of(forever(other), at_once())) == 1);
  CHECK(other == "cancelled");
}

TEST_CASE("the first of two to fail ends both at once") {
  asio::io_context loop;
  std::string other;
  CHECK_THROWS_WITH(run(loop, first_of(fails(), forever(other))), "no");
  CHECK(other == "cancelled");
  other.clear();
  CHECK_THROWS_WITH(run(loop, first_of(forever(other), fails())), "no");
  CHECK(other == "cancelled");
}

TEST_CASE("cancelling who waits for the first of two cancels both") {
  asio::io_context loop;
  std::string one, other;
  asio::cancellation_signal stop;
  bool aborted = false;
  const auto both = [&]() -> asio::awaitable<void> {
    co_await first_of(forever(one), forever(other));
  };
  asio::co_spawn(loop, both(),
                 asio::bind_cancellation_slot(
                     stop.slot(), [&](std::exception_ptr error) { aborted = error != nullptr; }));
  settle(loop);
  stop.emit(asio::cancellation_type::terminal);
  settle(loop);
  CHECK(aborted);
  CHECK(one == "cancelled");
  CHECK(other == "cancelled");
}
