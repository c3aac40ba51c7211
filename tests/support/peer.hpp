// SPDX-License-Identifier: MIT
// A client that does as the test says, byte by byte.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace temporal::test {

class Peer {
 public:
  Peer(const sockaddr* where, socklen_t size)
      : fd_(::socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // The bound of a test, not what is tested.
    const timeval patience{60, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::connect(fd_, where, size) == 0);
  }
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer& operator=(Peer&&) = delete;
  ~Peer() {
    if (fd_ >= 0) ::close(fd_);
  }

  void say(const std::string& text) {
    (void)!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);  // it may be closed already
  }
  void say_no_more() { ::shutdown(fd_, SHUT_WR); }
  void until_hung_up() {
    pollfd one{fd_, POLLRDHUP, 0};
    REQUIRE(::poll(&one, 1, 60'000) == 1);
  }
  /// Until the other side closes.
  std::string hear() {
    std::string heard;
    char some[4096];
    for (;;) {
      const auto count = ::recv(fd_, some, sizeof some, 0);
      if (count < 0) REQUIRE(errno == ECONNRESET);  // never a timeout
      if (count <= 0) return heard;
      heard.append(some, static_cast<std::size_t>(count));
    }
  }

 private:
  int fd_;
};

}  // namespace temporal::test
