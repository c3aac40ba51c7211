// SPDX-License-Identifier: MIT
#include "supervisor/dev_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

extern char** environ;

namespace temporal::supervisor {

namespace {

// 0 asks the kernel for any port. Returns 0 when the port is taken.
int try_port(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int reuse = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  int found = 0;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
    found = ntohs(address.sin_port);
  ::close(fd);
  return found;
}

int free_port(int wanted) {
  if (int port = wanted ? try_port(wanted) : 0) return port;
  if (int port = try_port(0)) return port;
  throw DevServerError("--dev found no free port on 127.0.0.1");
}

pid_t start(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // A group of its own: Ctrl-C reaches the supervisor alone, which stops the server last.
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, arguments[0], &files, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    throw DevServerError(std::string("--dev cannot start '") + arguments[0] + "' (" +
                         std::strerror(error) +
                         "): install the Temporal CLI, or name it in TEMPORAL_CLI");
  return pid;
}

bool gone_within(pid_t pid, int milliseconds) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd wait{fd, POLLIN, 0};
  const bool gone = fd < 0 || ::poll(&wait, 1, milliseconds) > 0;
  if (fd >= 0) ::close(fd);
  return gone;
}

}  // namespace

DevServer::DevServer(const Options& options)
    : port_(free_port(options.port)), ui_port_(free_port(options.ui_port)) {
  const char* program = std::getenv("TEMPORAL_CLI");
  std::vector<std::string> words{program ? program : "temporal",
                                 "server",
                                 "start-dev",
                                 "--ip",
                                 "127.0.0.1",
                                 "--port",
                                 std::to_string(port_),
                                 "--ui-port",
                                 std::to_string(ui_port_),
                                 "--namespace",
                                 options.name_space,
                                 "--log-level",
                                 "error"};
  if (!options.database.empty())
    words.insert(words.end(), {"--db-filename", options.database.string()});
  pid_ = start(words);
}

DevServer::~DevServer() {
  ::kill(pid_, SIGTERM);
  if (!gone_within(pid_, 5'000)) ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace temporal::supervisor
