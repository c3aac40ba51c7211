// SPDX-License-Identifier: MIT
#include "shared/ipc/bulk.hpp"

#include <algorithm>
#include <bit>

namespace temporal::ipc {
namespace {

// Smaller ones would soon be replaced.
constexpr std::size_t kSmallestSegment = 64 * 1024;

}  // namespace

std::optional<Segment> make_segment(Direction direction, std::size_t at_least) noexcept {
  const bool down = direction == Direction::down;
  const auto access = down ? Access::read_write : Access::read_only;
  const std::size_t size = std::bit_ceil(std::max(at_least, kSmallestSegment));
  Segment segment;
  segment.fd = create_memory("temporal-bulk", size);
  if (!segment.fd) return std::nullopt;
  segment.memory = Mapping::map(segment.fd.get(), size, access);
  if (!segment.memory || !seal(segment.fd.get(), down ? Seals::size_and_write : Seals::size))
    return std::nullopt;
  segment.memory->populate(access);
  return segment;
}

bool send_segment(int socket, const Offer& offer, int fd) noexcept {
  return send_message(socket, std::as_bytes(std::span(&offer, 1)), {&fd, 1}) == Io::done;
}

Taken take_segment(int socket, const Offer& wanted, Segment& into) noexcept {
  for (;;) {
    Offer offer;
    Received message;
    const auto seen =
        look_at_message(socket, std::as_writable_bytes(std::span(&offer, 1)), message);
    if (seen == Io::failed) return Taken::no_resources;
    if (seen != Io::done || message.size != sizeof offer) return Taken::missing;
    if (offer.number < wanted.number) {  // it could not be taken when it was wanted
      drop_message(socket);
      continue;
    }
    if (offer.number != wanted.number || offer.direction != wanted.direction) return Taken::missing;
    // It did not fit into this process's table: it stays in the socket.
    if (message.fd_count == 0 && message.cut) return Taken::no_resources;
    if (message.fd_count != 1) return Taken::missing;
    const int fd = message.fds[0].get();
    const auto access = offer.direction == Direction::down ? Access::read_only : Access::read_write;
    auto memory = Mapping::map(fd, size_of_memory(fd), access);
    if (!memory || !memory->keep_out_of_forks_and_dumps()) return Taken::no_resources;
    memory->populate(access);
    drop_message(socket);
    into = {wanted.number, std::move(memory), {}};
    return Taken::done;
  }
}

}  // namespace temporal::ipc
