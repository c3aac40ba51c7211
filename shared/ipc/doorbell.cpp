// SPDX-License-Identifier: MIT
#include "shared/ipc/doorbell.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

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

bool silence(int bell) noexcept {
  std::uint64_t count;
  for (;;) {
    if (::read(bell, &count, sizeof count) == sizeof count) return true;
    if (errno != EINTR) return false;
  }
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
