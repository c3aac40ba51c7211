// SPDX-License-Identifier: MIT
// How the dev server is started and stopped; a script stands in for it.
#include "supervisor/dev_server.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/folder.hpp"

using temporal::supervisor::DevServer;
using temporal::supervisor::DevServerError;
namespace fs = std::filesystem;

namespace {

// A program that says into a pipe how it was called, and then stays.
class Script {
 public:
  explicit Script(const std::string& first_line = "") {
    REQUIRE(::mkfifo((folder_.path() / "said").c_str(), 0600) == 0);
    const auto program =
        folder_.file("temporal", "#!/bin/sh\n" + first_line + "\necho \"$$ $@\" > " +
                                     (folder_.path() / "said").string() + "\nexec sleep 1000\n");
    fs::permissions(program, fs::perms::owner_all);
    ::setenv("TEMPORAL_CLI", program.c_str(), 1);
  }
  ~Script() { ::unsetenv("TEMPORAL_CLI"); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  // Waits until it runs.
  void hear() {
    std::ifstream pipe(folder_.path() / "said");
    pipe >> pid;
    std::getline(pipe, said);
    said += ' ';
  }
  [[nodiscard]] bool told(const std::string& part) const {
    return said.find(' ' + part + ' ') != std::string::npos;
  }
  [[nodiscard]] bool runs() const { return ::kill(pid, 0) == 0; }

  pid_t pid = 0;
  std::string said;

 private:
  temporal::test::Folder folder_;
};

// A zombie does not.
bool runs_still(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return false;
  const auto name_ends = stat.rfind(')');
  return name_ends + 2 < stat.size() && stat[name_ends + 2] != 'Z';
}

// Somebody who listens on a port of loopback.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd_, 1) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("the server is told its ports, its namespace and where its data goes; it ends with us") {
  Script script;
  {
    const DevServer server({.port = 0, .name_spaces = {"shop"}, .database = "dev.db"});
    script.hear();
    CHECK(script.told("server start-dev"));
    CHECK(script.told("--port " + server.address().substr(server.address().rfind(':') + 1)));
    CHECK(script.told("--ui-port " + server.ui().substr(server.ui().rfind(':') + 1)));
    CHECK(script.told("--namespace shop"));
    CHECK(script.told("--db-filename dev.db"));
    CHECK(server.address().starts_with("127.0.0.1:"));
    // A group of its own, which Ctrl-C does not reach.
    CHECK(::getpgid(script.pid) == script.pid);
    CHECK(script.runs());
  }
  CHECK_FALSE(script.runs());
}

TEST_CASE("a port that somebody has is left to them") {
  Script script;
  const Listener taken;
  const DevServer server({.port = taken.port(), .ui_port = taken.port()});
  script.hear();
  CHECK(server.address() != "127.0.0.1:" + std::to_string(taken.port()));
  CHECK(server.ui() != "http://127.0.0.1:" + std::to_string(taken.port()));
  CHECK_FALSE(script.told("--db-filename"));
}

TEST_CASE("a server that does not listen to SIGTERM is killed") {
  Script script("trap '' TERM");
  {
    const DevServer server({.port = 0});
    script.hear();
  }
  CHECK_FALSE(script.runs());
}

TEST_CASE("a server does not outlive a process that was killed") {
  Script script;
  const pid_t killed = ::fork();
  if (killed == 0) {
    const DevServer server({.port = 0});
    for (;;) ::pause();
  }
  script.hear();
  ::kill(killed, SIGKILL);
  ::waitpid(killed, nullptr, 0);
  // Not our child: it is adopted by somebody who may take a while to bury it.
  for (int i = 0; i < 10'000 && runs_still(script.pid); ++i) ::usleep(1'000);
  CHECK_FALSE(runs_still(script.pid));
  if (runs_still(script.pid)) ::kill(script.pid, SIGKILL);
}

TEST_CASE("a server that ends by itself is told of") {
  Script script("exit 3");
  DevServer server({.port = 0});
  boost::asio::io_context core(1);
  std::string said;
  boost::asio::co_spawn(core, server.died(), [&](const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const DevServerError& e) {
      said = e.what();
    }
  });
  core.run();
  CHECK(said.find("the dev server at " + server.address() + " ended by itself") == 0);
}

TEST_CASE("no program is one sentence that says what to install") {
  ::setenv("TEMPORAL_CLI", "/nowhere/temporal", 1);
  try {
    const DevServer server({.port = 0});
    FAIL("it was started");
  } catch (const DevServerError& error) {
    const std::string said = error.what();
    CHECK(said.find("/nowhere/temporal") != std::string::npos);
    CHECK(said.find("TEMPORAL_CLI") != std::string::npos);
  }
  ::unsetenv("TEMPORAL_CLI");
}
