// SPDX-License-Identifier: MIT
#include "supervisor/observe/http.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/loop_thread.hpp"
#include "tests/support/peer.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

class Peer : public temporal::test::Peer {
 public:
  explicit Peer(const tcp::endpoint& where)
      : temporal::test::Peer(where.data(), static_cast<socklen_t>(where.size())) {}
};

struct World {
  explicit World(HttpLimits limits = {}) {
    server.emplace(loop.executor(), tcp::endpoint(tcp::v4(), 0),
                   HttpPages{.metrics =
                                 [this] {
                                   ++pages_written;
                                   return page;
                                 },
                             .not_ready = [this] { return not_ready; }},
                   limits);
    where = tcp::endpoint(asio::ip::address_v4::loopback(), server->endpoint().port());
    loop.start();
  }
  ~World() {
    on_loop([this] { server.reset(); });
    loop.join();
  }
  void on_loop(std::function<void()> what) { loop.run(std::move(what)); }
  std::string ask(const std::string& request) {
    Peer peer(where);
    peer.say(request);
    return peer.hear();
  }
  std::string get(const std::string& path) {
    return ask("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
  }

  std::string page = "up 1\n";
  std::optional<std::string> not_ready;
  int pages_written = 0;
  temporal::test::LoopThread loop;
  std::optional<HttpServer> server;
  tcp::endpoint where;
};

bool is(const std::string& response, int status) {
  return response.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

std::string body(const std::string& response) {
  const auto end = response.find("\r\n\r\n");
  return end == std::string::npos ? "" : response.substr(end + 4);
}

}  // namespace

TEST_CASE("/metrics is the page of metrics, in Prometheus' format") {
  World world;
  const auto response = world.get("/metrics?name[]=up");
  CHECK(is(response, 200));
  CHECK(response.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") !=
        std::string::npos);
  CHECK(body(response) == "up 1\n");
}

TEST_CASE("/healthz says that the loop runs, /readyz what is missing") {
  World world;
  CHECK(is(world.get("/healthz"), 200));
  CHECK(is(world.get("/readyz"), 200));
  world.on_loop([&] { world.not_ready = "children are starting"; });
  CHECK(is(world.get("/healthz"), 200));
  const auto response = world.get("/readyz");
  CHECK(is(response, 503));
  CHECK(body(response) == "children are starting\n");
}

TEST_CASE("other paths, other methods and HEAD are answered as they should be") {
  World world;
  CHECK(is(world.get("/"), 404));
  CHECK(is(world.get("/metrics/../etc/passwd"), 404));
  const auto post = world.ask("POST /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(is(post, 405));
  CHECK(post.find("Allow: GET, HEAD\r\n") != std::string::npos);
  const auto head = world.ask("HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(is(head, 200));
  CHECK(head.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(body(head).empty());
}

TEST_CASE("what is no request is refused, and the next one is served") {
  World world;
  CHECK(is(world.ask("\x16\x03\x01\x02 a TLS hello\r\n\r\n"), 400));
  CHECK(is(world.ask("GET / HTTP/9.9\r\n\r\n"), 400));
  CHECK(is(world.ask("GET /metrics HTTP/1.1\r\nContent-Length: x\r\n\r\n"), 400));
  const auto large = world.ask("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n");
  CHECK((large.empty() || is(large, 431)));  // a reset may overtake the answer
  const auto with_body =
      world.ask("GET /metrics HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\nxxxxxxx");
  CHECK((with_body.empty() || is(with_body, 400) || is(with_body, 413)));
  CHECK(is(world.get("/healthz"), 200));
}

TEST_CASE("who says nothing, or a byte now and then, is hung up on") {
  World world({.read = 50ms});
  CHECK(world.ask("").empty());
  CHECK(world.ask("GET /metr").empty());
  Peer trickling(world.where);
  std::atomic<bool> hung_up = false;
  std::thread writer([&] {
    while (!hung_up) {
      trickling.say("G");
      std::this_thread::sleep_for(5ms);
    }
  });
  (void)trickling.hear();
  hung_up = true;
  writer.join();
  CHECK(is(world.get("/healthz"), 200));
}

TEST_CASE("who does not read its answer is hung up on") {
  World world({.connections = 1, .write = 50ms});
  world.on_loop([&] { world.page = std::string(64 << 20, 'x'); });
  Peer peer(world.where);
  peer.say("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(is(world.get("/healthz"), 200));  // served once the place is free
  // It has what fitted into the sockets, and then the end.
  CHECK(peer.hear().size() < (64 << 20));
}

TEST_CASE("only so many are served at a time; the others wait for their turn") {
  World world({.connections = 2, .read = 300ms});
  std::vector<Peer> silent;
  for (int i = 0; i < 6; ++i) silent.emplace_back(world.where);
  CHECK(is(world.get("/healthz"), 200));
}

TEST_CASE("a page of metrics is not written as often as somebody asks") {
  // Longer than any machine is up: the first page is written all the same.
  World world({.fresh = 100'000h});
  for (int i = 0; i < 20; ++i) CHECK(body(world.get("/metrics")) == "up 1\n");
  CHECK(world.pages_written == 1);
}

TEST_CASE("the end of the server ends its connections") {
  World world;
  Peer waiting(world.where);
  CHECK(is(world.get("/healthz"), 200));  // by then the other one is known
  world.on_loop([&] { world.server.reset(); });
  CHECK(waiting.hear().empty());
}

TEST_CASE("a port that somebody has is an error at once") {
  World world;
  asio::io_context context;
  CHECK_THROWS_AS(HttpServer(context.get_executor(), world.where, {}), boost::system::system_error);
}

TEST_CASE("where to listen is an address and a port") {
  const auto text = [](std::string_view given) {
    const auto parsed = parse_endpoint(given);
    return parsed ? parsed->address().to_string() + " " + std::to_string(parsed->port()) : "none";
  };
  CHECK(text("127.0.0.1:9464") == "127.0.0.1 9464");
  CHECK(text("localhost:0") == "127.0.0.1 0");
  CHECK(text(":9464") == "0.0.0.0 9464");
  CHECK(text("[::1]:65535") == "::1 65535");
  for (const char* bad : {"", ":", "9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                          "127.0.0.1:-1", "127.0.0.1:9464x", "127.0.0.1: 9464", "::1:9464",
                          "[127.0.0.1]:1", "[]:1", "[:1", "example.com:9464", "1.2.3:9464"})
    CHECK_MESSAGE(text(bad) == "none", bad);
}
