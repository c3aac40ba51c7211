// SPDX-License-Identifier: MIT
#include "supervisor/control/socket.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/control/client.hpp"
#include "supervisor/control/places.hpp"
#include "supervisor/wakeup.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/loop_thread.hpp"
#include "tests/support/peer.hpp"

using namespace std::chrono_literals;
using namespace temporal::supervisor::control;
using temporal::test::Folder;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

const Json kPs = Json::parse(R"({"verb":"ps"})");

class Peer : public temporal::test::Peer {
 public:
  explicit Peer(const fs::path& socket) : Peer(address_of(socket)) {}

 private:
  explicit Peer(const sockaddr_un& where)
      : temporal::test::Peer(reinterpret_cast<const sockaddr*>(&where), sizeof where) {}
  static sockaddr_un address_of(const fs::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(socket.native().size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
    return address;
  }
};

struct World {
  explicit World(SocketLimits limits = {}) {
    socket.emplace(
        loop.executor(), path,
        [this](Json request) -> asio::awaitable<Json> {
          requests.push_back(request);
          if (request.contains("wait")) co_await temporal::supervisor::pause(1h);
          Json reply = Json::object();
          reply["heard"] = request;
          if (!filler.empty()) reply["filler"] = filler;
          co_return reply;
        },
        limits);
    loop.start();
  }
  ~World() {
    on_loop([this] { socket.reset(); });
    loop.stop();
  }
  void on_loop(std::function<void()> what) { loop.run(std::move(what)); }
  std::string ask(const std::string& line) {
    Peer peer(path);
    peer.say(line);
    return peer.hear();
  }
  void still_answers() { CHECK(ask("{\"a\":1}\n") == "{\"heard\":{\"a\":1}}\n"); }

  Folder folder;
  fs::path path = folder.path() / "w.sock";
  std::string filler;
  std::vector<Json> requests;
  temporal::test::LoopThread loop;
  std::optional<Socket> socket;
};

std::string refusal(const fs::path& path) {
  asio::io_context context;
  try {
    const Socket socket(context.get_executor(), path, nullptr);
  } catch (const ControlError& error) {
    return error.what();
  }
  return "";
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("LC10 one line of JSON is answered by one line of JSON") {
  World world;
  CHECK(world.ask("{\"verb\":\"ps\"}\n") == "{\"heard\":{\"verb\":\"ps\"}}\n");
  CHECK(world.ask("{\"verb\":\"ps\"}\n{\"verb\":\"kill\"}\n") == "{\"heard\":{\"verb\":\"ps\"}}\n");
  CHECK(world.requests.size() == 2);
  CHECK(ask(world.path, {{"verb", "x"}})["heard"]["verb"] == "x");
}

TEST_CASE("LC10 the socket is its user's alone, and gone with its worker") {
  fs::path path;
  {
    const World world;
    path = world.path;
    struct stat is {};
    REQUIRE(::lstat(path.c_str(), &is) == 0);
    CHECK((is.st_mode & 07777) == 0600);
    CHECK(listener_at(path) == Listener::alive);
  }
  CHECK(listener_at(path) == Listener::none);
}

TEST_CASE("LC10 who is another user is sent away, whoever let him in") {
  World world({.owner = ::geteuid() + 1});
  CHECK(world.ask("{\"verb\":\"ps\"}\n").empty());
  CHECK(world.requests.empty());
  CHECK_THROWS_WITH_AS(ask(world.path, kPs), doctest::Contains("belongs to another user"),
                       ControlError);
}

TEST_CASE("what is no request is told so, and harms nobody") {
  World world;
  for (const std::string line :
       {"\n", "ps\n", "[1,2]\n", "\"ps\"\n", "{\"verb\":\n", "\xff\xfe{}\n", "null\n"})
    CHECK(says(world.ask(line), "{\"error\":\"write one line of JSON"));
  CHECK(says(world.ask(std::string(16 * 1024, '[') + "\n"), "at most 16384 bytes"));
  CHECK(says(world.ask(std::string(1 << 20, 'x')), "at most 16384 bytes"));
  CHECK(world.requests.empty());
  CHECK(world.ask("{\"name\":\"\xff\"}\n").find('\n') != std::string::npos);
  world.still_answers();
}

TEST_CASE("who says nothing, or not enough, is let go") {
  World world({.read = 50ms});
  Peer silent(world.path), half(world.path), left(world.path);
  half.say("{\"verb\":");
  left.say("{\"verb\":\"ps\"}");
  left.say_no_more();
  CHECK(silent.hear().empty());
  CHECK(half.hear().empty());
  CHECK(left.hear().empty());
  CHECK(world.requests.empty());
  world.still_answers();
}

TEST_CASE("who does not read his answer is let go, and so is who went away") {
  World world({.write = 50ms});
  world.filler = std::string(8 << 20, 'x');
  {
    Peer deaf(world.path);
    deaf.say("{\"a\":1}\n");
    Peer gone(world.path);
    gone.say("{\"a\":2}\n");
  }
  Peer slow(world.path);
  slow.say("{\"a\":3}\n");
  while (true) {  // its own filler must be sent before it is taken away
    bool answered = false;
    world.on_loop([&] { answered = world.requests.size() == 3; });
    if (answered) break;
  }
  world.on_loop([&] { world.filler.clear(); });
  slow.until_hung_up();
  world.still_answers();
  CHECK(slow.hear().size() < (8 << 20));
}

TEST_CASE("a few are served at a time; the others wait until one of them ends") {
  World world({.connections = 2, .read = 60s});
  std::optional<Peer> one(world.path), other(world.path);
  Peer third(world.path);
  third.say("{\"a\":3}\n");
  CHECK(world.requests.empty());
  one.reset();
  CHECK(says(third.hear(), "\"a\":3"));
}

TEST_CASE("who waits for a slow answer keeps nobody else from his") {
  World world;
  Peer waiting(world.path);
  waiting.say("{\"wait\":true}\n");
  world.still_answers();
  world.on_loop([&] { world.socket.reset(); });
  CHECK(waiting.hear().empty());
}

TEST_CASE("LC10 the socket of a dead worker is replaced, that of a living one is not") {
  const World world;
  CHECK(says(refusal(world.path), "another worker listens at"));

  const Folder folder;
  const auto path = folder.path() / "dead.sock";
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
  }
  CHECK(listener_at(path) == Listener::dead);
  CHECK_THROWS_WITH_AS(ask(path, kPs), doctest::Contains("any more"), ControlError);
  CHECK(refusal(path).empty());
  CHECK(listener_at(path) == Listener::none);
}

TEST_CASE("a path that no socket can have is refused with a sentence") {
  const Folder folder;
  const auto longest = folder.path().string().size() + 1;
  const auto fits = folder.path() / std::string(longest_path() - longest, 'x');
  const auto too_long = folder.path() / std::string(longest_path() - longest + 1, 'x');
  CHECK(refusal(fits).empty());
  CHECK(says(refusal(too_long), "may have 107 bytes"));
  CHECK(says(refusal(too_long), "name a shorter one"));
  CHECK(says(refusal(folder.file("notes", "mine")), "is no socket of a worker"));
  CHECK(says(refusal(folder.path() / "nowhere" / "w.sock"), "No such file"));
  CHECK_THROWS_WITH_AS(ask(folder.path() / "w.sock", {}), doctest::Contains("no such socket"),
                       ControlError);
}
