// SPDX-License-Identifier: MIT
#include "shared/ipc/bulk.hpp"

#include <unistd.h>

#include <cerrno>
#include <new>

#include "shared/ipc/fd.hpp"
#include "shared/ipc/memory.hpp"

namespace temporal::ipc {
namespace {

constexpr std::byte kMark{'b'};  // SEQPACKET wants at least one byte beside a descriptor

bool write_all(int fd, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

// pread and not a mapping: a page that cannot be had is an error here, and SIGBUS there.
bool read_all(int fd, std::span<std::byte> bytes) noexcept {
  off_t at = 0;
  while (!bytes.empty()) {
    ssize_t count = ::pread(fd, bytes.data(), bytes.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    at += count;
  }
  return true;
}

}  // namespace

bool send_bulk(int socket, std::span<const std::byte> message) noexcept {
  UniqueFd memory = create_memory("temporal-bulk", message.size());
  if (!memory || !write_all(memory.get(), message) || !seal(memory.get(), Seals::all)) return false;
  int fd = memory.get();
  return send_message(socket, {&kMark, 1}, {&fd, 1}) == Io::done;
}

BulkRead receive_bulk(int socket, std::size_t size, std::string& into) noexcept {
  std::byte mark;
  Received message;
  switch (receive_message(socket, {&mark, 1}, message)) {
    case Io::done:
      break;
    case Io::again:
    case Io::closed:
      return BulkRead::corrupt;
    case Io::failed:
      return BulkRead::no_resources;
  }
  // One that was not sent is a lie; one that did not fit into our table is our own trouble.
  if (message.fd_count == 0 && message.cut) return BulkRead::no_resources;
  if (message.fd_count != 1 || !is_immutable(message.fds[0].get(), size)) return BulkRead::corrupt;
  try {
    into.resize(size);
  } catch (const std::bad_alloc&) {
    return BulkRead::no_resources;
  }
  return read_all(message.fds[0].get(), std::as_writable_bytes(std::span(into)))
             ? BulkRead::done
             : BulkRead::no_resources;
}

}  // namespace temporal::ipc
