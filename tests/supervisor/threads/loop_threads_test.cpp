// SPDX-License-Identifier: MIT
#include "supervisor/threads/loop_threads.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "supervisor/wakeup.hpp"

using namespace temporal::supervisor;
namespace asio = boost::asio;

namespace {

std::string name_of_thread(const asio::io_context::executor_type& loop) {
  std::promise<std::string> name;
  asio::post(loop, [&] {
    std::array<char, 16> text{};
    ::pthread_getname_np(::pthread_self(), text.data(), text.size());
    name.set_value(text.data());
  });
  return name.get_future().get();
}

}  // namespace

TEST_CASE("loops are handed out in turn, each with a thread of its own and a name") {
  LoopThreads loops(2);
  CHECK(name_of_thread(loops.next()) == "loop-0");
  CHECK(name_of_thread(loops.next()) == "loop-1");
  CHECK(name_of_thread(loops.next()) == "loop-0");
}

TEST_CASE("what still waits on a loop at the end is abandoned, not waited for") {
  auto held = std::make_shared<int>(0);
  std::promise<void> begun;
  {
    LoopThreads loops(1);
    const auto waits = [](std::shared_ptr<int> holds,
                          std::promise<void>& tell) -> asio::awaitable<void> {
      tell.set_value();
      co_await pause(std::chrono::hours(1));
      ++*holds;
    };
    asio::co_spawn(loops.next(), waits(held, begun), asio::detached);
    begun.get_future().wait();
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
  CHECK(*held == 0);
}
