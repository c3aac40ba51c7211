// SPDX-License-Identifier: MIT
#include "supervisor/control/client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "shared/ipc/fd.hpp"

namespace fs = std::filesystem;
using nlohmann::json;

namespace temporal::supervisor::control {

namespace {

constexpr std::size_t kLongestAnswer = 64 << 20;

[[noreturn]] void does_not_answer(const fs::path& socket, int error) {
  if (error == EAGAIN || error == EWOULDBLOCK || error == EINPROGRESS)
    throw NoAnswer("the worker at " + socket.string() +
                   " does not answer: its core loop is stuck, or the process is stopped; its log "
                   "names what holds the loop");
  throw ControlError("the worker at " + socket.string() +
                     " ended the connection: " + std::strerror(error));
}

ipc::UniqueFd connected(const fs::path& socket, std::chrono::seconds patience) {
  check_path(socket);
  ipc::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw ControlError(std::string("no socket is to be had: ") + std::strerror(errno));
  const timeval bound{patience.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), where, sizeof address) == 0) return fd;
  switch (errno) {
    case ENOENT:
      throw ControlError("no worker listens at " + socket.string() + ": there is no such socket");
    case ECONNREFUSED:
      throw ControlError("no worker listens at " + socket.string() + " any more");
    case EACCES:
      throw ControlError("the worker at " + socket.string() +
                         " takes orders of its own user only: ask as that user");
    default:
      does_not_answer(socket, errno);
  }
}

}  // namespace

json ask(const fs::path& socket, const json& request, std::chrono::seconds patience) {
  const auto fd = connected(socket, patience);
  const auto line = request.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const auto count = ::send(fd.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) does_not_answer(socket, errno);
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  std::string reply;
  std::array<char, 16 * 1024> some{};
  while (reply.size() <= kLongestAnswer && !reply.ends_with('\n')) {
    const auto count = ::recv(fd.get(), some.data(), some.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == ECONNRESET) break;  // it would not even read
    if (count < 0) does_not_answer(socket, errno);
    if (count == 0) break;
    reply.append(some.data(), static_cast<std::size_t>(count));
  }
  if (reply.empty())
    throw ControlError("the worker at " + socket.string() +
                       " gave no answer: it is stopping, or belongs to another user");
  auto answer = json::parse(reply, nullptr, false);
  if (!answer.is_object())
    throw ControlError("what answers at " + socket.string() + " is no worker of this version");
  if (const auto error = answer.find("error"); error != answer.end() && error->is_string())
    throw ControlError(error->get<std::string>());
  return answer;
}

}  // namespace temporal::supervisor::control
