// SPDX-License-Identifier: MIT
// Runs one coroutine on a loop of its own, to its end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <utility>

namespace temporal::test {

template <class T>
T run(boost::asio::io_context& loop, boost::asio::awaitable<T> coroutine) {
  auto result = boost::asio::co_spawn(loop, std::move(coroutine), boost::asio::use_future);
  loop.restart();
  loop.run();
  return result.get();
}

}  // namespace temporal::test
