// SPDX-License-Identifier: MIT
#include "tests/support/dev_server.hpp"

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

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace temporal::test {

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

// tools/test puts it on the path; a test started by hand finds it in the tree that it was built
// from.
std::string find_temporal() {
  if (const char* path = std::getenv("PATH")) {
    std::string rest = path;
    for (std::size_t begin = 0; begin <= rest.size();) {
      const auto end = std::min(rest.find(':', begin), rest.size());
      const auto candidate = rest.substr(begin, end - begin) + "/temporal";
      if (access(candidate.c_str(), X_OK) == 0) return candidate;
      begin = end + 1;
    }
  }
  for (auto folder = std::filesystem::canonical("/proc/self/exe"); folder != folder.root_path();) {
    folder = folder.parent_path();
    const auto candidate = folder / "build/venv/bin/temporal";
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw std::runtime_error(
      "there is no `temporal` on the path or in build/venv: run tools/bootstrap");
}

pid_t start(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  if (pid < 0) throw std::runtime_error("fork failed");
  return pid;
}

bool accepts_connections(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

bool succeeds(const std::vector<std::string>& arguments) {
  const pid_t pid = start(arguments);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("there is no free port");
  close(fd);
  return ntohs(address.sin_port);
}

DevServer::DevServer(int port) : port_(port ? port : free_port()) {
  const auto temporal = find_temporal();
  pid_ = start({temporal, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port",
                std::to_string(port_), "--log-level", "never"});
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  const auto check_alive = [&] {
    if (!exited(50)) return;
    waitpid(pid_, nullptr, 0);
    close(pidfd_);
    throw std::runtime_error("the dev server ended before it accepted a connection");
  };
  while (!accepts_connections(port_)) check_alive();
  while (!succeeds({temporal, "operator", "namespace", "describe", "--namespace", "default",
                    "--address", address(), "--log-level", "never"}))
    check_alive();
}

DevServer::~DevServer() {
  kill(pid_, SIGTERM);
  if (!exited(5'000)) kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(pidfd_);
}

bool DevServer::exited(int milliseconds) const {
  pollfd gone{pidfd_, POLLIN, 0};
  return poll(&gone, 1, milliseconds) > 0;
}

}  // namespace temporal::test
