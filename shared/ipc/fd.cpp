// SPDX-License-Identifier: MIT
#include "shared/ipc/fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace temporal::ipc {

UniqueFd duplicate(const UniqueFd& of) noexcept {
  return UniqueFd(of ? ::fcntl(of.get(), F_DUPFD_CLOEXEC, 0) : -1);
}

std::optional<std::pair<UniqueFd, UniqueFd>> socket_pair() noexcept {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  return std::pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Io send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds) noexcept {
  if (fds.size() > kMaxAttached) return Io::failed;
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxAttached)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return Io::done;
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return Io::again;
    return errno == EPIPE || errno == ECONNRESET ? Io::closed : Io::failed;
  }
}

namespace {

Io receive(int socket, std::span<std::byte> buffer, Received& into, int flags) noexcept {
  into = {};
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxAttached)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    if (errno == EAGAIN) return Io::again;
    return errno == ECONNRESET ? Io::closed : Io::failed;
  }
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      UniqueFd owned(fd);  // closed here when there are more than anybody sends
      if (into.fd_count < kMaxAttached) into.fds[into.fd_count++] = std::move(owned);
    }
  }
  // An empty message is not sent by anyone here: no bytes means the end.
  if (size == 0) return Io::closed;
  if (message.msg_flags & MSG_TRUNC) return Io::failed;
  into.size = static_cast<std::size_t>(size);
  into.cut = (message.msg_flags & MSG_CTRUNC) != 0;
  return Io::done;
}

}  // namespace

Io receive_message(int socket, std::span<std::byte> buffer, Received& into) noexcept {
  return receive(socket, buffer, into, 0);
}

Io look_at_message(int socket, std::span<std::byte> buffer, Received& into) noexcept {
  return receive(socket, buffer, into, MSG_PEEK | MSG_DONTWAIT);
}

void drop_message(int socket) noexcept {
  std::byte ignored;
  ssize_t size;
  do {
    size = ::recv(socket, &ignored, sizeof ignored, MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
}

}  // namespace temporal::ipc
