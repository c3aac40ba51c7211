// SPDX-License-Identifier: MIT
// Descriptors: owned by one object at a time, and handed to another process as attachments of a
// SEQPACKET message.
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace temporal::ipc {

/// Owns one descriptor; closes it. -1 is none.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    int old = std::exchange(fd_, fd);
    if (old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

/// Another descriptor of the same thing, close-on-exec. Empty when the process is out of descriptors.
[[nodiscard]] UniqueFd duplicate(const UniqueFd& of) noexcept;

/// A connected SEQPACKET pair, close-on-exec. Empty when the process is out of descriptors.
[[nodiscard]] std::optional<std::pair<UniqueFd, UniqueFd>> socket_pair() noexcept;

/// Enough for one child with 16 places.
inline constexpr std::size_t kMaxAttached = 81;

enum class Io {
  done,
  again,   ///< non-blocking socket: nothing there, or no room
  closed,  ///< the other end is gone
  failed,  ///< the system refused, or the message was cut
};

/// One message; `fds` are duplicated into the receiver and stay open here.
[[nodiscard]] Io send_message(int socket, std::span<const std::byte> bytes,
                              std::span<const int> fds = {}) noexcept;

struct Received {
  std::size_t size = 0;
  std::array<UniqueFd, kMaxAttached> fds;
  std::size_t fd_count = 0;
  bool cut = false;  ///< more was attached than this process had descriptors for
};

/// One message into `buffer`; what was attached arrives close-on-exec. A message larger than
/// `buffer` is `failed`.
[[nodiscard]] Io receive_message(int socket, std::span<std::byte> buffer, Received& into) noexcept;

/// The same, but the message stays where it is, with what is attached to it, and this never waits:
/// who had no room for the descriptors may look again.
[[nodiscard]] Io look_at_message(int socket, std::span<std::byte> buffer, Received& into) noexcept;
/// Takes away what look_at_message() has seen.
void drop_message(int socket) noexcept;

}  // namespace temporal::ipc
