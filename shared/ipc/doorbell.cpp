// SPDX-License-Identifier: MIT
#include "shared/ipc/doorbell.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <cerrno>

namespace temporal::ipc {

UniqueFd create_bell() noexcept { return UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

bool ring(int bell) noexcept {
  const std::uint64_t one = 1;
  for (;;) {
    if (::write(bell, &one, sizeof one) == sizeof one) return true;
    if (errno != EINTR) return errno == EAGAIN;
  }
}

bool ring_at_once(int bell) noexcept {
  pollfd state{bell, POLLOUT, 0};
  return (bell >= 0 && ::poll(&state, 1, 0) == 0) || ring(bell);
}

std::uint64_t silence(int bell) noexcept {
  std::uint64_t count = 0;
  const iovec part{&count, sizeof count};
  ssize_t size;
  do {
    size = ::preadv2(bell, &part, 1, -1, RWF_NOWAIT);
    // Kernels before 5.8. Nobody else reads it.
    if (size < 0 && errno == EOPNOTSUPP) size = is_rung(bell) ? ::readv(bell, &part, 1) : 0;
  } while (size < 0 && errno == EINTR);
  return size == sizeof count ? count : 0;
}

bool is_rung(int bell) noexcept {
  pollfd state{bell, POLLIN, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & POLLIN) != 0;
}

std::optional<BellWaiter> BellWaiter::create(int bell) noexcept {
  UniqueFd poller(::epoll_create1(EPOLL_CLOEXEC));
  if (!poller) return std::nullopt;
  // Edge-triggered: the counter is never read, each ring is one event.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  if (::epoll_ctl(poller.get(), EPOLL_CTL_ADD, bell, &event) != 0) return std::nullopt;
  return BellWaiter(std::move(poller));
}

bool BellWaiter::wait() noexcept {
  epoll_event event;
  return ::epoll_wait(poller_.get(), &event, 1, -1) >= 0 || errno == EINTR;
}

}  // namespace temporal::ipc
