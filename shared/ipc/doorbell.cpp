// SPDX-License-Identifier: MIT
#include "shared/ipc/doorbell.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace temporal::ipc {
namespace {

// Edge-triggered: each ring is one event, and nobody has to read the counter.
constexpr std::uint32_t kEachRing = EPOLLIN | EPOLLET;

bool control(int poller, int operation, int bell, std::uint32_t id, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u32 = id;
  return ::epoll_ctl(poller, operation, bell, &event) == 0;
}

}  // namespace

UniqueFd create_bell() noexcept { return UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

bool ring(int bell) noexcept {
  const std::uint64_t one = 1;
  for (;;) {
    if (::write(bell, &one, sizeof one) == sizeof one) return true;
    if (errno != EINTR) return errno == EAGAIN;
  }
}

std::uint64_t count_rings(int bell) noexcept {
  std::uint64_t count = 0;
  const iovec part{&count, sizeof count};
  ssize_t size;
  do {
    size = ::preadv2(bell, &part, 1, -1, RWF_NOWAIT);
  } while (size < 0 && errno == EINTR);
  return size == sizeof count ? count : 0;
}

UniqueFd create_ear(int bell) noexcept {
  UniqueFd ear(::epoll_create1(EPOLL_CLOEXEC));
  if (!ear || !control(ear.get(), EPOLL_CTL_ADD, bell, 0, kEachRing)) return {};
  return ear;
}

bool wait_for_ring(int ear) noexcept {
  epoll_event event;
  return ::epoll_wait(ear, &event, 1, -1) >= 0 || errno == EINTR;
}

std::optional<BellBoard> BellBoard::create() noexcept {
  UniqueFd poller(::epoll_create1(EPOLL_CLOEXEC));
  if (!poller) return std::nullopt;
  return BellBoard(std::move(poller));
}

bool BellBoard::add(int bell, std::uint32_t id) noexcept {
  return control(poller_.get(), EPOLL_CTL_ADD, bell, id, kEachRing);
}

void BellBoard::remove(int bell) noexcept {
  (void)control(poller_.get(), EPOLL_CTL_DEL, bell, 0, 0);
}

void BellBoard::mute(int bell, std::uint32_t id) noexcept {
  (void)control(poller_.get(), EPOLL_CTL_MOD, bell, id, 0);
}

void BellBoard::unmute(int bell, std::uint32_t id) noexcept {
  (void)control(poller_.get(), EPOLL_CTL_MOD, bell, id, kEachRing);
}

std::span<const std::uint32_t> BellBoard::heard(Heard& room, int wait_ms) noexcept {
  std::array<epoll_event, kAtOnce> events;
  const int count = ::epoll_wait(poller_.get(), events.data(), kAtOnce, wait_ms);
  const auto told = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = 0; i < told; ++i) room[i] = events[i].data.u32;
  return std::span(room).first(told);
}

}  // namespace temporal::ipc
