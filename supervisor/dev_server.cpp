// SPDX-License-Identifier: MIT
#include "supervisor/dev_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace asio = boost::asio;

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

// In the new process; async-signal-safe only, since modules may have started threads. Returns when there is no such program.
void become(char* const* arguments, pid_t parent) {
  // A group of its own: Ctrl-C reaches the supervisor alone, which stops the server last.
  ::setpgid(0, 0);
  // posix_spawn has no word for this. A supervisor that was killed must not leave a server behind.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(0);
  ::signal(SIGPIPE, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDWR);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  if (nothing > STDERR_FILENO) ::close(nothing);
  ::execvp(arguments[0], arguments);
}

pid_t start(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  // Ends empty when the program runs, or with the reason why it does not.
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0)
    throw DevServerError(std::string("--dev: ") + std::strerror(errno));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  int error = pid < 0 ? errno : 0;
  if (pid == 0) {
    become(arguments.data(), parent);
    error = errno;
    (void)!::write(report[1], &error, sizeof error);
    ::_exit(127);
  }
  ::close(report[1]);
  if (pid > 0 && ::read(report[0], &error, sizeof error) > 0) ::waitpid(pid, nullptr, 0);
  ::close(report[0]);
  if (error != 0)
    throw DevServerError(std::string("--dev cannot start '") + arguments[0] + "' (" +
                         std::strerror(error) +
                         "): install the Temporal CLI, or name it in TEMPORAL_CLI");
  return pid;
}

bool ends_within(const ipc::UniqueFd& process, int milliseconds) {
  pollfd wait{process.get(), POLLIN, 0};
  return process.get() < 0 || ::poll(&wait, 1, milliseconds) > 0;
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
                                 "--log-level",
                                 "error"};
  for (const auto& name : options.name_spaces) words.insert(words.end(), {"--namespace", name});
  if (!options.database.empty())
    words.insert(words.end(), {"--db-filename", options.database.string()});
  pid_ = start(words);
  process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

asio::awaitable<void> DevServer::died() {
  const auto executor = co_await asio::this_coro::executor;
  if (process_.get() < 0) {
    asio::steady_timer never(executor, asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
  }
  asio::posix::stream_descriptor process(executor, ::fcntl(process_.get(), F_DUPFD_CLOEXEC, 0));
  co_await process.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  throw DevServerError("the dev server at " + address() +
                       " ended by itself; what it said stands above, more with `temporal server "
                       "start-dev --log-level info`");
}

DevServer::~DevServer() {
  ::kill(pid_, SIGTERM);
  if (!ends_within(process_, 5'000)) ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace temporal::supervisor
