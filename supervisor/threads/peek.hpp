// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <optional>

namespace temporal::supervisor {

/// A read that fails where a load would crash: for what a signal handler finds. Async-signal-safe.
template <typename T>
std::optional<T> peek(const T* at) noexcept {
  alignas(T) std::byte bytes[sizeof(T)];
  const ::iovec here{bytes, sizeof bytes};
  const ::iovec there{const_cast<T*>(at), sizeof bytes};
  if (::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) != ssize_t{sizeof bytes})
    return std::nullopt;
  return *reinterpret_cast<const T*>(bytes);
}

}  // namespace temporal::supervisor
