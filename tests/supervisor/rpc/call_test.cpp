// SPDX-License-Identifier: MIT
#include "supervisor/rpc/call.hpp"

#include <doctest/doctest.h>
#include <google/protobuf/wrappers.pb.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <memory>
#include <optional>
#include <stdexcept>

#include "tests/supervisor/rpc/peer.hpp"
#include "tests/supervisor/rpc/run.hpp"

namespace temporal::supervisor {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using google::protobuf::StringValue;
using test::Answer;
using test::Peer;
using test::Question;

namespace {

struct Reply {
  CallResult result;
  std::string text;
};

asio::awaitable<Reply> ask(Connection& connection, CallOptions options, std::string text) {
  StringValue request, response;
  request.set_value(text);
  if (options.method.empty()) options.method = "/test.Service/Ask";
  if (options.deadline == 0ms) options.deadline = 30s;
  Reply reply;
  reply.result = co_await call(connection, options, request, response);
  reply.text = response.value();
  co_return reply;
}

Answer echo(const Question& question) { return {{}, question.request}; }
Answer silence(const Question&) { return {{}, {}, true}; }

}  // namespace

TEST_CASE("a call brings back what the peer answered") {
  Peer peer(echo);
  asio::io_context loop;
  Connection connection({.address = peer.address()});
  for (auto lane : {Lane::unary, Lane::long_poll}) {
    const auto reply = test::run(loop, ask(connection, {.lane = lane}, "hello"));
    CHECK(reply.result.ok());
    CHECK(reply.text == "hello");
  }
}

TEST_CASE("every call says who asks, a namespaced one for which namespace") {
  Question seen;
  Peer peer([&](const Question& question) {
    seen = question;
    return echo(question);
  });
  asio::io_context loop;
  Connection connection({.address = peer.address(), .metadata = {{"Some_Key", "some value"}}});
  test::run(loop, ask(connection, {.name_space = "payments"}, ""));
  CHECK(seen.method == "/test.Service/Ask");
  CHECK(seen.metadata["client-name"] == "temporal-supervisor");
  CHECK_FALSE(seen.metadata["client-version"].empty());
  CHECK(seen.metadata["temporal-namespace"] == "payments");
  CHECK(seen.metadata["some-key"] == "some value");
  test::run(loop, ask(connection, {}, ""));
  CHECK(seen.metadata.count("temporal-namespace") == 0);
}

TEST_CASE("an error keeps its code, its message and its details, beyond 8 KiB too") {
  const std::string details(20'000, 'd');
  Peer peer([&](const Question&) {
    return Answer{grpc::Status(grpc::StatusCode::ALREADY_EXISTS, "it runs already", details), {}};
  });
  asio::io_context loop;
  Connection connection({.address = peer.address()});
  const auto reply = test::run(loop, ask(connection, {}, ""));
  CHECK(reply.result.code == RpcCode::already_exists);
  CHECK(reply.result.message == "it runs already");
  CHECK(reply.result.details == details);
}

TEST_CASE("a reply of 20 MiB arrives, a request beyond the peer's limit is known as too large") {
  Peer peer([](const Question& question) {
    StringValue big;
    big.set_value(std::string(20 << 20, 'x'));
    return Answer{{}, question.method.ends_with("Big") ? big.SerializeAsString() : ""};
  });
  asio::io_context loop;
  Connection connection({.address = peer.address()});
  CHECK(test::run(loop, ask(connection, {.method = "/test.Service/Big"}, "")).text.size() ==
        20 << 20);
  const auto refused = test::run(loop, ask(connection, {}, std::string(9 << 20, 'x')));
  CAPTURE(refused.result.message);
  CHECK(is_message_too_large(refused.result));
}

TEST_CASE("a call that is not answered ends at its deadline") {
  Peer peer(silence);
  asio::io_context loop;
  Connection connection({.address = peer.address()});
  const auto reply = test::run(loop, ask(connection, {.deadline = 50ms}, ""));
  CHECK(reply.result.code == RpcCode::deadline_exceeded);
}

TEST_CASE("cancelling the awaiting coroutine ends its call") {
  asio::io_context loop;
  asio::cancellation_signal cancel;
  // Emitted once the peer has the question: the call is under way for certain.
  Peer peer([&](const Question& question) {
    asio::post(loop, [&] { cancel.emit(asio::cancellation_type::terminal); });
    return silence(question);
  });
  Connection connection({.address = peer.address()});
  std::exception_ptr error;
  asio::co_spawn(
      loop, ask(connection, {}, ""),
      asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e, Reply) { error = e; }));
  loop.run();
  REQUIRE(error);
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    CHECK(e.code() == asio::error::operation_aborted);
  }
}

TEST_CASE("a server that is not there is unavailable, and the message names the address") {
  Peer peer(echo);
  asio::io_context loop;
  Connection connection({.address = "127.0.0.1:1"});
  const auto reply = test::run(loop, ask(connection, {}, ""));
  CHECK(reply.result.code == RpcCode::unavailable);
  CHECK(reply.result.message.find("127.0.0.1:1") != std::string::npos);
}

TEST_CASE("a connection can be destroyed with a call in flight, before or after its loop") {
  std::atomic<int> asked = 0;
  Peer peer([&](const Question& question) {
    ++asked;
    asked.notify_all();
    return silence(question);
  });
  for (const bool run_again : {false, true}) {
    asked = 0;
    bool ended = false;
    asio::io_context loop;
    std::optional<Connection> connection(std::in_place,
                                         ConnectionOptions{.address = peer.address()});
    asio::co_spawn(loop, ask(*connection, {}, ""), [&](std::exception_ptr, const Reply& reply) {
      CHECK(reply.result.code == RpcCode::cancelled);
      ended = true;
    });
    loop.poll();
    asked.wait(0);
    connection.reset();
    if (run_again) loop.run();
    CHECK(ended == run_again);
  }
}

TEST_CASE("what cannot be sent is refused before anything is sent") {
  CHECK_THROWS_WITH_AS(Connection({.address = "nowhere"}),
                       "the address \"nowhere\" is not of the form host:port",
                       std::invalid_argument);
  CHECK_THROWS_AS(Connection({.address = "127.0.0.1:1", .metadata = {{"key", "caf\xc3\xa9"}}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(Connection({.address = "127.0.0.1:1", .metadata = {{"a key", "value"}}}),
                  std::invalid_argument);
  asio::io_context loop;
  Connection connection({.address = "127.0.0.1:1"});
  const auto reply = test::run(loop, ask(connection, {.name_space = "caf\xc3\xa9"}, ""));
  CHECK(reply.result.code == RpcCode::invalid_argument);
}

}  // namespace temporal::supervisor
