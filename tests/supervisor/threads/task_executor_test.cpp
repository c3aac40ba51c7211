// SPDX-License-Identifier: MIT
#include "supervisor/threads/task_executor.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <new>
#include <string>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;
using namespace temporal::supervisor;

namespace {

std::shared_ptr<TaskIdentity> named(std::string_view type) {
  return std::make_shared<TaskIdentity>(TaskFields{.activity_type = type});
}

// Whose turn it is on the calling thread.
std::string now() {
  const auto slot = TaskSlot::of_this_thread();
  return slot->current() ? std::string(slot->current()->task().record().fields().activity_type)
                         : "nobody";
}

const tcp::endpoint kAnywhere(asio::ip::address_v4::loopback(), 0);

}  // namespace

TEST_CASE("every step of a coroutine wears its task's name, and nothing is worn between steps") {
  asio::io_context loop;
  const auto run = [&](std::string name) -> asio::awaitable<void> {
    CHECK(now() == name);
    for (int i = 0; i < 5; ++i) {
      asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
      co_await timer.async_wait(use_awaitable);
      CHECK(now() == name);
      co_await asio::post(use_awaitable);
      CHECK(now() == name);
    }
  };
  for (std::string name : {"one", "two", "three"})
    asio::co_spawn(TaskExecutor(loop.get_executor(), named(name)), run(name), asio::detached);
  int between = 0;
  std::function<void()> look = [&] {
    CHECK(now() == "nobody");
    if (++between < 20) asio::post(loop, look);
  };
  asio::post(loop, look);
  loop.run();
  CHECK(between == 20);
  CHECK(now() == "nobody");
}

TEST_CASE("a coroutine on another executor wears nothing that is not its own") {
  asio::io_context loop;
  const TaskExecutor task(loop.get_executor(), named("outer"));
  const TaskExecutor other(loop.get_executor(), named("other"));
  std::string inside, after;
  asio::post(task, [&] {
    // Runs at once, inside: it is the same loop.
    asio::dispatch(other, [&] { inside = now(); });
    after = now();
  });
  loop.run();
  CHECK(inside == "other");
  CHECK(after == "outer");
}

TEST_CASE("sockets, resolvers, strands and spawned coroutines inherit the name") {
  asio::io_context loop;
  asio::any_io_executor task = TaskExecutor(loop.get_executor(), named("talker"));
  tcp::acceptor acceptor(loop, kAnywhere);
  std::string answer;
  const auto serve = [&]() -> asio::awaitable<void> {
    auto peer = co_await acceptor.async_accept(use_awaitable);
    std::string word(5, '\0');
    co_await asio::async_read(peer, asio::buffer(word), use_awaitable);
    co_await asio::async_write(peer, asio::buffer(word), use_awaitable);
    CHECK(now() == "nobody");
  };
  const auto talk = [&]() -> asio::awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    const auto port = std::to_string(acceptor.local_endpoint().port());
    const auto found = co_await resolver.async_resolve("127.0.0.1", port, use_awaitable);
    CHECK(now() == "talker");
    tcp::socket socket(asio::make_strand(executor));
    co_await socket.async_connect(*found.begin(), use_awaitable);
    CHECK(now() == "talker");
    co_await asio::async_write(socket, asio::buffer("hello", 5), use_awaitable);
    CHECK(now() == "talker");
    answer.resize(5);
    co_await asio::async_read(socket, asio::buffer(answer), use_awaitable);
    CHECK(now() == "talker");
    auto nested = []() -> asio::awaitable<std::string> { co_return now(); };
    CHECK(co_await asio::co_spawn(executor, nested(), use_awaitable) == "talker");
  };
  asio::co_spawn(loop, serve(), asio::detached);
  asio::co_spawn(task, talk(), [](std::exception_ptr error) { CHECK(!error); });
  loop.run();
  CHECK(answer == "hello");
}

TEST_CASE("Beast's streams work on it, their timeouts too") {
  asio::io_context loop;
  asio::any_io_executor task = TaskExecutor(loop.get_executor(), named("browser"));
  tcp::acceptor acceptor(loop, kAnywhere);
  int status = 0;
  bool timed_out = false;
  const auto serve = [&]() -> asio::awaitable<void> {
    auto peer = co_await acceptor.async_accept(use_awaitable);
    beast::flat_buffer buffer;
    http::request<http::string_body> question;
    co_await http::async_read(peer, buffer, question, use_awaitable);
    http::response<http::string_body> response{http::status::ok, 11};
    response.body() = "hola";
    response.prepare_payload();
    co_await http::async_write(peer, response, use_awaitable);
    char byte = 0;  // until the client goes away
    try {
      co_await asio::async_read(peer, asio::buffer(&byte, 1), use_awaitable);
    } catch (const boost::system::system_error&) {
    }
  };
  const auto browse = [&]() -> asio::awaitable<void> {
    beast::tcp_stream stream(co_await asio::this_coro::executor);
    stream.expires_after(10s);
    co_await stream.async_connect(acceptor.local_endpoint(), use_awaitable);
    http::request<http::empty_body> question{http::verb::get, "/", 11};
    co_await http::async_write(stream, question, use_awaitable);
    CHECK(now() == "browser");
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, use_awaitable);
    CHECK(now() == "browser");
    status = response.result_int();
    stream.expires_after(10ms);
    try {
      co_await http::async_read(stream, buffer, response, use_awaitable);
    } catch (const boost::system::system_error& error) {
      timed_out = error.code() == beast::error::timeout;
    }
    CHECK(now() == "browser");
  };
  asio::co_spawn(loop, serve(), asio::detached);
  asio::co_spawn(task, browse(), [](std::exception_ptr error) { CHECK(!error); });
  loop.run();
  CHECK(status == 200);
  CHECK(timed_out);
}

TEST_CASE("it is an executor in full: context, blocking, outstanding work, equality") {
  asio::io_context loop;
  const auto task = named("any");
  const TaskExecutor executor(loop.get_executor(), task);
  const asio::any_io_executor any = executor;
  CHECK(&asio::query(any, asio::execution::context) == &loop);
  CHECK(any == asio::any_io_executor(TaskExecutor(loop.get_executor(), task)));
  CHECK(any != asio::any_io_executor(TaskExecutor(loop.get_executor(), named("any"))));

  bool ran = false;
  {
    // Work that is held keeps the loop running.
    const auto held = asio::prefer(any, asio::execution::outstanding_work.tracked);
    CHECK(loop.poll() == 0);
    CHECK(!loop.stopped());
    const auto never = asio::require(held, asio::execution::blocking.never);
    asio::post(loop, [&] {
      asio::execution::execute(never, [&] { ran = true; });
      CHECK(!ran);
    });
    loop.poll();
  }
  CHECK(ran);
  loop.poll();
  CHECK(loop.stopped());
}
